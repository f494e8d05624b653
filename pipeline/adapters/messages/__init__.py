"""Messages to people and programs outside: notifications by mail and chat, and signed webhooks."""
