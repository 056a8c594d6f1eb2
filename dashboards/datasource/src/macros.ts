/** The macros of SQL mode, which the backend replaces. */
export const macros: Array<{ name: string; means: string }> = [
  { name: '$__timeFilter(column)', means: 'The column, a DateTime or DateTime64, lies in the panel’s time range.' },
  { name: '$__timeGroup(column)', means: 'The column rounded down to the begin of its window.' },
  { name: '$__fromUs', means: 'The range’s begin in microseconds, for from_us of a view.' },
  { name: '$__toUs', means: 'The range’s end in microseconds, for to_us of a view.' },
  { name: '$__step', means: 'The width of windows in seconds, a multiple of 60, for step_s of a view.' },
  { name: '$__interval_s', means: 'The same as $__step.' },
  { name: '$__timeFrom', means: 'The range’s begin as DateTime64(3).' },
  { name: '$__timeTo', means: 'The range’s end as DateTime64(3).' },
];
