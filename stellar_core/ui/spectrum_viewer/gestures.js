// Pointer, fingers and keyboard on the figure.

const CLICK = 5; // pixels that a click may move
const APART = 20; // least distance of two fingers, pixels

class Gestures {
  constructor(viewer) {
    this.viewer = viewer;
    this.plot = viewer.plot;
    this.fingers = new Map();
    /** Range that is being dragged, pixels from the left of the figure: {from, to}. */
    this.drag = null;
    const listen = (name, action) =>
      this.plot.addEventListener(name, (event) => viewer.layout && action.call(this, event));
    listen("pointerdown", this.down);
    listen("pointermove", this.move);
    listen("pointerup", this.up);
    listen("pointercancel", this.cancel);
    listen("pointerleave", this.leave);
    listen("dblclick", () => viewer.show(viewer.whole));
    listen("keydown", this.key);
  }

  place(event) {
    const { left, right } = this.viewer.layout.main;
    return Math.min(Math.max(event.clientX - this.plot.getBoundingClientRect().left, left), right);
  }

  down(event) {
    if (event.button !== 0) return;
    this.plot.setPointerCapture(event.pointerId);
    const x = this.place(event);
    this.fingers.set(event.pointerId, x);
    const { layout, range } = this.viewer;
    if (this.fingers.size > 1) this.drag = { touched: [...this.fingers.values()].map((finger) => layout.rest(finger)) };
    else this.drag = { from: x, range, pan: event.shiftKey };
  }

  move(event) {
    const { viewer, drag } = this;
    const x = this.place(event);
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, x);
    if (drag?.touched) this.pinch();
    else if (drag?.pan) this.pan(x);
    else {
      if (drag && (drag.to !== undefined || Math.abs(x - drag.from) > CLICK)) drag.to = x;
      viewer.point(nearest(viewer.rest, viewer.layout.rest(x)));
    }
  }

  up(event) {
    const { viewer, drag } = this;
    this.cancel(event);
    if (!drag || drag.pan || drag.touched) return;
    if (drag.to !== undefined) viewer.show([drag.from, drag.to].sort((a, b) => a - b).map((x) => viewer.layout.rest(x)));
    else viewer.point(nearest(viewer.rest, viewer.layout.rest(drag.from)));
  }

  cancel(event) {
    this.fingers.delete(event.pointerId);
    this.drag = null;
    this.viewer.point(this.viewer.cursor);
  }

  leave(event) {
    if (event.pointerType === "mouse" && !this.drag && !this.plot.matches(":focus-visible")) this.viewer.point(null);
  }

  /** Keep the wavelengths that were touched under the two fingers. */
  pinch() {
    const [a, b] = [...this.fingers.values()];
    const [first, second] = this.drag.touched;
    const scale = (second - first) / (b - a);
    if (this.fingers.size < 2 || Math.abs(a - b) < APART || !(scale > 0)) return;
    const { left, right } = this.viewer.layout.main;
    this.viewer.show([first + (left - a) * scale, first + (right - a) * scale]);
  }

  pan(x) {
    const { left, right } = this.viewer.layout.main;
    const [low, high] = this.drag.range;
    const moved = ((this.drag.from - x) / (right - left)) * (high - low);
    this.viewer.show([low + moved, high + moved]);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { viewer } = this;
    const { rest, range } = viewer;
    const [low, high] = range;
    const at = viewer.cursor ?? nearest(rest, (low + high) / 2);
    const step = event.shiftKey ? 20 : 1;
    const page = Math.round(viewer.pixels(range) / 4);
    const targets = {
      ArrowLeft: at - step,
      ArrowDown: at - step,
      ArrowRight: at + step,
      ArrowUp: at + step,
      PageDown: at - page,
      PageUp: at + page,
      Home: 0,
      End: rest.length - 1,
    };
    if (event.key in targets) {
      const cursor = Math.min(Math.max(targets[event.key], 0), rest.length - 1);
      const half = (high - low) / 2;
      if (rest[cursor] < low || rest[cursor] > high) viewer.show([rest[cursor] - half, rest[cursor] + half]);
      viewer.point(cursor);
    } else if (event.key === "+" || event.key === "=") viewer.zoom(0.5, rest[at]);
    else if (event.key === "-") viewer.zoom(2, rest[at]);
    else if (event.key === "0" || event.key === "Escape") viewer.show(viewer.whole);
    else return;
    event.preventDefault();
  }
}
