// Serves the harness's page on the loopback interface, with the catalogue that Go printed and a few streams.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const built = path.join(here, '../.cache/harness');
const images = path.join(here, '../node_modules/@grafana/ui/dist/public/img');
const types = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.css': 'text/css',
  '.ttf': 'font/ttf',
  '.json': 'application/json',
};

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tidegauge's editors</title><link rel="icon" href="data:,">
<script>window.__grafana_public_path__ = '/public/'; window.grafanaBootData = { settings: {}, user: {}, navTree: [] };</script></head>
<body style="margin:0"><div id="root" style="padding:16px"></div><script src="/harness.js"></script></body></html>`;

const streams = {
  services: ['chat', 'embeddings', 'search'],
  models: ['llama-3.1-8b', 'qwen3-32b'],
  log_types: ['', 'api', 'conversation'],
  hosts: ['gpu-a', 'gpu-b'],
  gpus: ['GPU-0f1e'],
};

/** serve starts the server; its answer is where it is, and how it is ended. */
export async function serve(catalogue) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const send = (status, type, body) => response.writeHead(status, { 'content-type': type }).end(body);
    const json = (value) => send(200, types['.json'], JSON.stringify(value));
    const resource = /^\/api\/datasources\/uid\/[^/]+\/resources\/(\w+)$/.exec(url.pathname)?.[1];
    try {
      if (url.pathname === '/') {
        send(200, 'text/html', page);
      } else if (resource === 'metrics') {
        json(catalogue);
      } else if (resource === 'variables') {
        const values = streams[url.searchParams.get('name')] ?? [];
        json(values.map((value) => ({ text: value === '' ? '(none)' : value, value })));
      } else {
        const image = /^\/public\/build\/img\/(.+)$/.exec(url.pathname)?.[1];
        const file = image
          ? path.join(images, path.normalize(`/${image}`))
          : path.join(built, path.normalize(url.pathname));
        send(200, types[path.extname(file)] ?? 'application/octet-stream', await readFile(file));
      }
    } catch (error) {
      send(404, 'text/plain', String(error));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { address } = await serve(JSON.parse(await readFile(path.join(here, '../.cache/catalogue.json'), 'utf8')));
  console.log(`${address}/?theme=dark&show=query|config|variable|annotations&variables=service:chat`);
}
