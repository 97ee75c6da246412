"""What people see: the agent desktop (``desktop.py`` shows, ``desktop_actions.py`` does), the settings pages
(``settings/``) and the mail page (``mails.py``).

Plain HTML that works without JavaScript; one small module refreshes what is open. It reads the store and the
mail catcher and changes the company only through ``company/``. ``site_guard.py`` says why there is no
sign-in.
"""
