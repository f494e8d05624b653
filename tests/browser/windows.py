"""Windows of the browser that are used again: one that has been at the server before has its programs already."""

from __future__ import annotations

from collections import defaultdict

from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.browser.tabs import PATIENCE_MS


class Windows:
    """Windows at one server. What a page has stored is gone when its window is given back."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._free: dict[str, list[BrowserContext]] = defaultdict(list)
        self._themes: dict[BrowserContext, str] = {}

    def tab(self, theme: str) -> Page:
        """An empty tab in a window that nobody else has, set to this theme."""
        free = self._free[theme]
        context = free.pop() if free else self._open(theme)
        return context.new_page()

    def give_back(self, page: Page) -> None:
        """Close the tab; its window serves again, unless it cannot be cleaned (its server may be gone)."""
        context = page.context
        try:
            page.evaluate("localStorage.clear()")
            context.clear_cookies()
            for each in context.pages:
                each.close()
        except Error:
            context.close()
        else:
            self._free[self._themes[context]].append(context)

    def close(self) -> None:
        """Close those that are free."""
        for contexts in self._free.values():
            for context in contexts:
                context.close()

    def _open(self, theme: str) -> BrowserContext:
        context = self._browser.new_context(base_url=self._url)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(
            f"localStorage.getItem('stripboard.theme') || localStorage.setItem('stripboard.theme', '{theme}')"
        )
        self._themes[context] = theme
        return context
