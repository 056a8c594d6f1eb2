// All tests, after the window that they are to have.
import './dom';

import '../src/catalogue.test';
import '../src/datasource.test';
import '../src/frames.test';
import '../src/interpolate.test';
import '../src/query.test';
import '../src/settings.test';
import '../src/step.test';
import '../src/components/editors.test';
