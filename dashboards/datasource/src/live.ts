import {
  type DataFrame,
  type DataQueryResponse,
  type LiveChannelAddress,
  LiveChannelScope,
  type TimeRange,
} from '@grafana/data';
import type { GrafanaLiveSrv } from '@grafana/runtime';
import { catchError, map, type Observable, of } from 'rxjs';

import type { Query } from './types';

/** The width of the windows that are streamed, in seconds: the finest there is. The historic answer has to have the same. */
export const liveStep = '60';

/** Grafana refuses channels with longer ids. */
const maxChannel = 160;

/** How many windows a stream's buffer holds: the last minutes come again with each message that changes them. */
const bufferedRows = 1000;

/** followed says whether a query is one whose last minutes are streamed: the panel's range has to end now. */
export function followed(query: Query, range: TimeRange | undefined): boolean {
  const to = range?.raw?.to;
  return Boolean(query.live) && query.queryType !== 'sql' && query.queryType !== 'annotations' && to === 'now';
}

/**
 * channel is the address of a query's stream: ds/UID/recent/QUERY, the query as JSON in base64url. What says nothing (a
 * choice of all) is left out, so that most fit. One that does not has a checksum in its place; Grafana hands the query itself
 * to the backend with the subscription in either case.
 */
export function channel(uid: string, query: Query): LiveChannelAddress {
  const data: Partial<Query> = { metric: query.metric };
  if (query.columns?.length) {
    data.columns = query.columns;
  }
  for (const field of ['service', 'model', 'logType', 'host', 'gpu'] as const) {
    if (query[field] !== undefined && query[field] !== '*') {
      data[field] = query[field];
    }
  }
  if (query.limits) {
    data.limits = query.limits;
  }
  const json = JSON.stringify(data);
  const encoded = base64url(json);
  const path = `recent/${`ds/${uid}/recent/${encoded}`.length <= maxChannel ? encoded : `sum/${checksum(json)}`}`;
  return { scope: LiveChannelScope.DataSource, stream: uid, namespace: uid, path, data };
}

/** stream gives the recent frames of a query as they come, under its refId. A stream that fails leaves the panel as it was. */
export function stream(live: GrafanaLiveSrv, uid: string, query: Query): Observable<DataFrame[]> {
  const addr = channel(uid, query);
  return live.getDataStream({ key: addr.path, addr, buffer: { maxLength: bufferedRows } }).pipe(
    map((response: DataQueryResponse) =>
      response.data.map((frame: DataFrame) => ({ ...copied(frame), refId: query.refId }))
    ),
    catchError(() => of([]))
  );
}

/** copied is a frame without what its class inherits: a streaming frame goes on changing. */
function copied(frame: DataFrame): DataFrame {
  return {
    name: frame.name,
    meta: frame.meta,
    fields: frame.fields.map((f) => ({
      name: f.name,
      type: f.type,
      labels: f.labels,
      config: f.config,
      values: [...f.values],
    })),
    length: frame.length,
  };
}

function base64url(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** checksum is FNV-1a of 64 bits: it only has to tell the queries of a dashboard apart. */
function checksum(text: string): string {
  let sum = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  }
  return sum.toString(16).padStart(16, '0');
}
