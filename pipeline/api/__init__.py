"""The REST door and the live feed: routes that translate, and the guard that stands before everything."""
