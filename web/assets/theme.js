// theme.js - loaded before the page is drawn, so that a chosen theme does not flash.
;(() => {
  try {
    const theme = localStorage.getItem('ox.theme')
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
  } catch {
    // no storage: as the system has it
  }
})()
