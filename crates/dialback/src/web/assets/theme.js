// Before anything is drawn: the look that was chosen, if one was.
'use strict';
{
  const theme = localStorage.getItem('theme');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
}
