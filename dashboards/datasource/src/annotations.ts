import type { AnnotationSupport } from '@grafana/data';

import { AnnotationsQueryEditor } from './components/AnnotationsQueryEditor';
import type { Query } from './types';

/** annotations lets a dashboard mark bursts, runs of failures and late data. Frames with time, timeEnd, title, text and tags are Grafana's own. */
export const annotations: AnnotationSupport<Query> = {
  QueryEditor: AnnotationsQueryEditor,
  getDefaultQuery: () => ({ queryType: 'annotations', service: '' }),
  prepareAnnotation: (annotation) => ({
    ...annotation,
    target: annotation.target && { ...annotation.target, refId: 'Anno', queryType: 'annotations' },
  }),
};
