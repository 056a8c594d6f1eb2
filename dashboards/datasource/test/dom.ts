// A window for the tests of components, before anything of Grafana's is loaded: its libraries look for one when they are.
// @ts-expect-error: jsdom comes without types, and this is all that is used of it
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<!doctype html><html lang="en"><body></body></html>', {
  url: 'http://localhost/',
  pretendToBeVisual: true,
});
for (const name of Object.getOwnPropertyNames(window)) {
  if (!(name in globalThis)) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      writable: true,
      value: window[name as keyof typeof window],
    });
  }
}
// Node has some of these of its own, which know nothing of the window's elements.
for (const name of ['navigator', 'Event', 'EventTarget', 'CustomEvent'] as const) {
  Object.defineProperty(globalThis, name, { configurable: true, value: window[name] });
}

// What Grafana's components ask of a browser and jsdom does not have: sizes, above all. A list draws the options that fit.
class ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
class IntersectionObserver extends ResizeObserver {}
Object.assign(globalThis, { window, ResizeObserver, IntersectionObserver, IS_REACT_ACT_ENVIRONMENT: true });
Object.assign(window, {
  ResizeObserver,
  IntersectionObserver,
  grafanaBootData: { settings: {}, user: {}, navTree: [] },
  matchMedia: (media: string) => ({
    matches: false,
    media,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }),
});
window.HTMLCanvasElement.prototype.getContext = () => ({ measureText: (text: string) => ({ width: 8 * text.length }) });
window.HTMLElement.prototype.scrollIntoView = () => undefined;
for (const side of ['offsetHeight', 'offsetWidth', 'clientHeight', 'clientWidth']) {
  Object.defineProperty(window.HTMLElement.prototype, side, { configurable: true, value: 1000 });
}
window.HTMLElement.prototype.getBoundingClientRect = () => ({ ...box, toJSON: () => box }) as DOMRect;
const box = { x: 0, y: 0, top: 0, left: 0, bottom: 1000, right: 1000, width: 1000, height: 1000 };
