// Controls, pointer and keyboard of the viewer. Nothing here asks the server for anything.

const NARROW = 560; // pixels
const LEAST_PIXELS = 12; // in the closest zoom
const CLICK = 5; // pixels that a click may move
const LABELLED = 3; // shaded ranges with their amount written

/** What the visitor chose, while the page is open: for all stars, and the visible range of each star. */
const memory = { smoothing: null, frame: 0, shift: 0, shading: 0, shown: {}, ranges: new Map() };

class Viewer {
  constructor(root, fail) {
    this.root = root;
    this.fail = fail;
    this.part = (name) => root.querySelector(name);
    this.plot = this.part(".plot");
    this.pointers = new Map();
    this.cursor = null;
    this.drag = null;
    this.bind();
    this.observer = new ResizeObserver(() => this.safely(() => this.resize()));
    this.observer.observe(this.plot);
    this.observer.observe(root);
  }

  destroy() {
    this.observer.disconnect();
  }

  safely(action) {
    try {
      action();
    } catch (error) {
      this.observer.disconnect();
      this.fail(String(error));
    }
  }

  update(data) {
    this.data = data;
    const observed = decode(data.wavelength);
    this.rest = Float64Array.from(observed, (wavelength) => wavelength / (1 + data.redshift));
    this.flux = decode(data.flux);
    this.error = decode(data.error);
    this.weights = Float64Array.from(this.error, (error) => (error > 0 ? 1 / (error * error) : 0));
    const least = 1e-6 * this.weights.reduce((a, b) => Math.max(a, b), 0);
    this.overlays = data.overlays.map((overlay) => {
      const flux = decode(overlay.flux);
      const weights = this.weights.map((weight, i) => (Number.isFinite(flux[i]) ? Math.max(weight, least) : 0));
      return { ...overlay, flux, weights, colour: data.palette[overlay.colour] };
    });
    this.whole = [this.rest[0], this.rest[this.rest.length - 1]];
    this.range = memory.ranges.get(data.name) ?? this.whole;
    if (this.name !== data.name) this.cursor = null;
    this.name = data.name;
    memory.smoothing ??= data.default_smoothing;
    this.root.style.setProperty("--muted", data.palette.muted);
    this.buildRegions();
    this.buildControls();
    this.smooth();
    this.resize();
  }

  // ---- Controls ----

  buildRegions() {
    const regions = [{ label: "Whole", low: this.whole[0], high: this.whole[1] }, ...this.data.regions];
    this.regions = regions.map((region) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = region.label;
      const [from, to] = this.indices([region.low, region.high]);
      button.disabled = to - from < LEAST_PIXELS;
      if (button.disabled) button.title = "not observed";
      button.addEventListener("click", () => this.show([region.low, region.high]));
      return { ...region, button };
    });
    this.part(".regions").replaceChildren(...this.regions.map((region) => region.button));
  }

  buildControls() {
    const { data } = this;
    const { palette } = data;
    const layers = [this.legend("flux", palette.data, "line"), this.layer("errors", "±1σ", faded(palette.data, 0.25), "area")];
    this.overlays.forEach((overlay, number) => {
      const layer = this.layer(overlay.key, overlay.name, overlay.colour, "line", number === 0);
      layer.title = overlay.about;
      layers.push(layer);
    });
    if (this.overlays.length) layers.push(this.layer("residuals", "residuals"));
    layers.push(this.layer("lines", "lines", palette.muted, "line"));
    layers.push(this.layer("sky", "night sky", palette.second, "line", false));
    if (this.weights.some((weight) => !weight)) layers.push(this.legend("masked", palette.warning, "tick"));
    if (data.gaps.length) layers.push(this.legend("not observed", faded(palette.muted, 0.2), "area"));
    const shading = data.shadings[memory.shading] ?? data.shadings[0];
    this.part(".curves").replaceChildren(...layers);
    this.part(".shading").hidden = !shading;
    const effects = [["raises it", palette.warning], ["lowers it", palette.draws]];
    this.part(".effects").replaceChildren(...effects.map(([text, colour]) => this.legend(text, faded(colour, 0.45), "area")));
    this.root.classList.toggle("shaded", Boolean(shading));
    const widths = data.smoothing.map((width) => [width, width === 1 ? "none" : `${width} pixels`]);
    this.menu(".smoothing", widths, memory.smoothing, (value) => {
      memory.smoothing = Number(value);
      this.smooth();
    });
    const frames = data.frames.map((frame, number) => [number, frame.name]);
    this.menu(".frame", frames, memory.frame, (value) => (memory.frame = Number(value)));
    const titles = data.shadings.map((one, number) => [number, one.title]);
    this.menu(".shading select", titles, memory.shading, (value) => (memory.shading = Number(value)));
    this.part(".shift").value = memory.shift;
  }

  menu(name, options, chosen, choose) {
    const select = this.part(name);
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
    select.onchange = () => this.safely(() => {
      choose(select.value);
      this.draw();
    });
  }

  swatch(colour, kind) {
    const mark = document.createElement("i");
    mark.className = kind;
    mark.style[kind === "line" ? "borderColor" : "background"] = colour;
    return mark;
  }

  legend(text, colour, kind) {
    const entry = document.createElement("span");
    entry.append(this.swatch(colour, kind), text);
    return entry;
  }

  layer(key, text, colour = null, kind = "line", shown = true) {
    memory.shown[key] ??= shown;
    const entry = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.name = key;
    box.checked = memory.shown[key];
    box.addEventListener("change", () => this.safely(() => {
      memory.shown[key] = box.checked;
      this.draw();
    }));
    entry.append(box, ...(colour ? [this.swatch(colour, kind)] : []), text);
    return entry;
  }

  // ---- State ----

  get wavelengths() {
    return new Wavelengths(this.data.frames[memory.frame], this.data.redshift, this.data.air);
  }

  get shading() {
    return this.data.shadings[memory.shading] ?? this.data.shadings[0];
  }

  get model() {
    return this.overlays.find((overlay) => memory.shown[overlay.key]);
  }

  /** Lines of the star, shifted by the visitor, and features of the sky, as [rest wavelength, label]. */
  get marks() {
    const stretch = 1 + memory.shift / SPEED_OF_LIGHT;
    return {
      star: this.data.lines.map(([wavelength, label]) => [wavelength * stretch, label]),
      sky: this.data.sky.map(([wavelength, label]) => [wavelength / (1 + this.data.redshift), label]),
    };
  }

  indices([low, high]) {
    return [firstNotBelow(this.rest, low), firstNotBelow(this.rest, high + 1e-9)];
  }

  smooth() {
    this.smoothed = runningMean(this.flux, this.weights, memory.smoothing);
    for (const overlay of this.overlays) {
      overlay.smoothed = runningMean(overlay.flux, overlay.weights, memory.smoothing).mean;
    }
  }

  /** Show a range of rest wavelengths, inside the spectrum and not narrower than the closest zoom. */
  show([low, high]) {
    const [first, last] = this.whole;
    const pixel = (last - first) / this.rest.length;
    const width = Math.min(Math.max(high - low, LEAST_PIXELS * pixel), last - first);
    const start = Math.min(Math.max((low + high - width) / 2, first), last - width);
    this.range = [start, start + width];
    memory.ranges.set(this.name, this.range);
    this.safely(() => this.draw());
  }

  zoom(factor, about) {
    const [low, high] = this.range;
    this.show([about - (about - low) * factor, about + (high - about) * factor]);
  }

  // ---- Drawing ----

  resize() {
    if (!this.data) return;
    const width = this.root.clientWidth;
    this.root.classList.toggle("narrow", width < NARROW);
    this.root.style.height = width < NARROW ? "" : `${this.data.height}px`;
    for (const canvas of this.root.querySelectorAll("canvas")) {
      canvas.width = Math.round(this.plot.clientWidth * devicePixelRatio);
      canvas.height = Math.round(this.plot.clientHeight * devicePixelRatio);
    }
    if (this.plot.clientWidth > 80 && this.plot.clientHeight > 80) this.draw();
  }

  draw() {
    const start = performance.now();
    const context = this.part(".data").getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.plot.clientWidth, this.plot.clientHeight);
    this.paint(context, this.plot.clientWidth, this.plot.clientHeight);
    this.tell();
    this.point();
    performance.measure("spectrum-draw", { start, end: performance.now() });
  }

  /** Draw everything but the crosshair. */
  paint(context, width, height) {
    const { data, rest, smoothed } = this;
    const { palette } = data;
    const { shown } = memory;
    const model = this.model;
    const layout = new Layout(width, height, this.range, Boolean(model && shown.residuals), width < NARROW);
    const picture = new Picture(context, layout, palette, getComputedStyle(this.root).fontFamily);
    const [inside, outside] = this.indices(this.range);
    const [from, to] = [Math.max(inside - 1, 0), Math.min(outside + 1, rest.length)];
    const overlays = this.overlays.filter((overlay) => shown[overlay.key]);
    const limits = robustRange([smoothed.mean, ...overlays.map((overlay) => overlay.smoothed)], inside, outside);
    this.layout = layout;
    this.limits = limits;
    if (this.shading) this.shade(picture);
    picture.bands(data.gaps, () => faded(palette.muted, 0.14));
    const marked = ticks(...limits, (layout.main.bottom - layout.main.top) / 55);
    picture.verticalAxis(layout.main, limits, data.flux_title, marked, true);
    picture.horizontalAxis(this.wavelengths, data.frames[memory.frame].title);
    const { star, sky } = this.marks;
    if (shown.sky) picture.lines(sky, palette.second, true);
    if (shown.lines) picture.lines(star, faded(palette.muted, 0.45), false);
    if (shown.errors) {
      picture.errorBand(layout.main, limits, rest, smoothed.mean, smoothed.error, from, to, faded(palette.data, 0.22));
    }
    picture.curve(layout.main, limits, rest, smoothed.mean, from, to, palette.data, 1.4);
    const dense = to - from > 2 * (layout.main.right - layout.main.left);
    for (const overlay of overlays) {
      const colour = faded(overlay.colour, dense ? 0.7 : 0.85);
      picture.curve(layout.main, limits, rest, overlay.smoothed, from, to, colour, dense ? 0.5 : 0.9);
    }
    picture.masked(rest, this.error, from, to);
    if (this.shading) this.nameShades(picture);
    picture.frame(layout.main);
    if (layout.residual) this.paintResiduals(picture, model, from, to);
  }

  residual(model, i) {
    return (this.smoothed.mean[i] - model.smoothed[i]) / this.smoothed.error[i];
  }

  paintResiduals(picture, model, from, to) {
    const { palette } = this.data;
    const { residual } = this.layout;
    const values = Float32Array.from(this.rest, (_, i) => (i >= from && i < to ? this.residual(model, i) : NaN));
    const sizes = sortedFinite(values.map(Math.abs), from, to);
    const largest = Math.max(4, 1.15 * (sizes.length ? quantile(sizes, 0.99) : 0));
    const limits = [-largest, largest];
    const tick = roundBelow(0.9 * largest);
    const roomy = residual.bottom - residual.top > 44;
    const marked = { values: roomy ? [-tick, 0, tick] : [-tick, tick], digits: 0 };
    picture.verticalAxis(residual, limits, picture.layout.narrow ? "Δ/σ" : "(F − M)/σ", marked, false);
    const zero = Layout.y(residual, limits, 0);
    picture.rule(residual.left, zero, residual.right, zero, palette.muted);
    picture.curve(residual, limits, this.rest, values, from, to, model.colour, 0.9);
    picture.frame(residual);
  }

  shade(picture) {
    const { palette } = this.data;
    const { edges, values } = this.shading;
    const largest = Math.max(...values.map(Math.abs), 1e-12);
    picture.bands(edges, (k) => faded(values[k] > 0 ? palette.warning : palette.draws, (0.45 * Math.abs(values[k])) / largest));
  }

  nameShades(picture) {
    const { edges, values, features, amounts } = this.shading;
    const order = values.map((_, k) => k).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
    const entries = order.slice(0, LABELLED).map((k) => {
      const [low, high] = edges[k];
      return { low, high, text: `${features[k] || `${low.toFixed(0)}–${high.toFixed(0)} Å`} ${amounts[k]}` };
    });
    picture.amounts(entries);
  }

  /** Name of the visible range and its signal-to-noise ratio in words. */
  tell() {
    const [low, high] = this.range;
    const same = (region) => Math.abs(region.low - low) < 0.5 && Math.abs(region.high - high) < 0.5;
    for (const region of this.regions) region.button.setAttribute("aria-pressed", String(same(region)));
    const region = this.regions.find(same);
    const limits = this.range.map((rest) => write(this.wavelengths.shown(rest), 0)).join("–");
    const name = !region ? `${limits} Å` : region.label === "Whole" ? "Whole spectrum" : `${region.label}, ${limits} Å`;
    const { median, good, masked } = signalToNoise(this.flux, this.error, ...this.indices(this.range));
    const count = `median of ${good.toLocaleString("en")} pixels${masked ? `, ${masked} masked` : ""}`;
    const estimated = this.data.has_errors ? "" : "; errors estimated from the scatter";
    const words = good
      ? `${name}: S/N ${write(median, median < 9.95 ? 1 : 0)} per pixel (${count}${estimated}).`
      : `${name}: all pixels are masked.`;
    if (this.part(".noise").textContent !== words) this.part(".noise").textContent = words;
  }

  // ---- Crosshair ----

  /** Draw the crosshair and the dragged range, and read the pixel. */
  point() {
    const context = this.part(".pointer").getContext("2d");
    const { main, floor } = { main: this.layout.main, floor: this.layout.floor };
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.plot.clientWidth, this.plot.clientHeight);
    const { palette } = this.data;
    if (this.drag?.to !== undefined) {
      context.fillStyle = faded(palette.control, 0.22);
      context.fillRect(this.drag.from, main.top, this.drag.to - this.drag.from, floor - main.top);
    }
    if (this.cursor !== null) {
      const x = this.layout.x(this.rest[this.cursor]);
      const value = this.smoothed.mean[this.cursor];
      context.strokeStyle = palette.ink;
      context.lineWidth = 1;
      context.setLineDash([4, 3]);
      context.beginPath();
      context.moveTo(x, main.top);
      context.lineTo(x, floor);
      const y = Layout.y(main, this.limits, value);
      if (y >= main.top && y <= main.bottom) {
        context.moveTo(main.left, y);
        context.lineTo(main.right, y);
      }
      context.stroke();
      context.setLineDash([]);
      context.fillStyle = palette.accent;
      context.beginPath();
      if (y >= main.top && y <= main.bottom) context.arc(x, y, 3.5, 0, 2 * Math.PI);
      context.fill();
    }
    this.read();
  }

  /** Write wavelength, flux, S/N and nearest line of the pixel under the crosshair. */
  read() {
    const slider = this.plot;
    slider.setAttribute("aria-valuemin", Math.ceil(this.whole[0]));
    slider.setAttribute("aria-valuemax", Math.floor(this.whole[1]));
    slider.setAttribute("aria-valuenow", Math.round(this.rest[this.cursor ?? 0]));
    const parts = this.cursor === null ? [HINT] : this.words(this.cursor);
    const nodes = parts.map((part) => {
      if (typeof part === "string") return part;
      const bold = document.createElement("b");
      bold.textContent = part[0];
      return bold;
    });
    this.part(".reading").replaceChildren(...nodes);
    slider.setAttribute("aria-valuetext", parts.map((part) => (typeof part === "string" ? part : part[0])).join(""));
  }

  words(i) {
    const rest = this.rest[i];
    const air = this.data.frames[memory.frame].air;
    const [at, observed] = [false, true].map((moved) =>
      new Wavelengths({ observed: moved, air }, this.data.redshift, this.data.air).shown(rest)
    );
    const medium = air ? "air" : "vacuum";
    const parts = [[`${write(at, 1)} Å`], ` rest, ${write(observed, 1)} Å observed (${medium}) · `];
    if (this.error[i] > 0) {
      const smoothing = memory.smoothing > 1 ? ` (mean of ${memory.smoothing})` : "";
      const { mean, error } = this.smoothed;
      parts.push("flux ", [withError(mean[i], error[i])], `${smoothing} · `);
      parts.push("S/N ", [write(this.flux[i] / this.error[i], 1)], " per pixel · ");
    } else parts.push("masked · ");
    const { star, sky } = this.marks;
    const near = [...star, ...sky].reduce((a, b) => (Math.abs(b[0] - rest) < Math.abs(a[0] - rest) ? b : a));
    const distance = rest - near[0];
    parts.push("nearest line ", [near[1]], ` (${distance >= 0 ? "+" : "−"}${Math.abs(distance).toFixed(1)} Å)`);
    const model = this.model;
    const residual = model ? this.residual(model, i) : NaN;
    if (Number.isFinite(residual)) parts.push(` · residual ${residual >= 0 ? "+" : ""}${write(residual, 1)}σ`);
    const range = this.shading ? this.shading.edges.findIndex(([low, high]) => low <= rest && rest < high + 1) : -1;
    if (range >= 0) parts.push("\n", this.shading.words[range]);
    return parts;
  }

  // ---- Pointer and keyboard ----

  bind() {
    const { plot } = this;
    const place = (event) => event.clientX - plot.getBoundingClientRect().left;
    const inside = (x) => Math.min(Math.max(x, this.layout.main.left), this.layout.main.right);
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      plot.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, place(event));
      const x = inside(place(event));
      this.drag = this.pointers.size > 1 ? this.pinch() : { from: x, range: this.range, pan: event.shiftKey };
    });
    plot.addEventListener("pointermove", (event) => {
      const x = inside(place(event));
      if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, place(event));
      if (this.drag?.pinched) this.stretch();
      else if (this.drag?.pan) this.pan(x);
      else {
        if (this.drag && (this.drag.to !== undefined || Math.abs(x - this.drag.from) > CLICK)) this.drag.to = x;
        this.cursor = nearest(this.rest, this.layout.rest(x));
        this.point();
      }
    });
    const finish = (event) => {
      this.pointers.delete(event.pointerId);
      const { drag } = this;
      this.drag = null;
      if (event.type === "pointerup" && drag?.to !== undefined) {
        this.show([drag.from, drag.to].sort((a, b) => a - b).map((x) => this.layout.rest(x)));
      } else if (event.type === "pointerup" && drag && !drag.pan && !drag.pinched) {
        this.cursor = nearest(this.rest, this.layout.rest(drag.from));
        this.point();
      } else if (drag) this.point();
    };
    plot.addEventListener("pointerup", finish);
    plot.addEventListener("pointercancel", finish);
    plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "mouse" || this.drag || plot.matches(":focus-visible")) return;
      this.cursor = null;
      this.point();
    });
    plot.addEventListener("dblclick", () => this.show(this.whole));
    plot.addEventListener("keydown", (event) => this.press(event));
    this.part(".shift").addEventListener("input", (event) => this.safely(() => {
      memory.shift = Number(event.target.value) || 0;
      this.draw();
    }));
    this.part(".picture").addEventListener("click", () => this.save());
  }

  pinch() {
    return { pinched: [...this.pointers.values()].map((x) => this.layout.rest(x)), range: this.range };
  }

  /** Keep the wavelengths that were touched under the two fingers. */
  stretch() {
    const [a, b] = [...this.pointers.values()];
    const [first, second] = this.drag.pinched;
    if (this.pointers.size < 2 || Math.abs(a - b) < 20 || first === second) return;
    const { left, right } = this.layout.main;
    const scale = (second - first) / (b - a);
    if (scale > 0) this.show([first + (left - a) * scale, first + (right - a) * scale]);
  }

  pan(x) {
    const { main } = this.layout;
    const [low, high] = this.drag.range;
    const moved = ((this.drag.from - x) / (main.right - main.left)) * (high - low);
    this.show([low + moved, high + moved]);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [low, high] = this.range;
    const last = this.rest.length - 1;
    const middle = nearest(this.rest, (low + high) / 2);
    const step = event.shiftKey ? 20 : 1;
    const at = this.cursor ?? middle;
    const moves = {
      ArrowLeft: at - step,
      ArrowDown: at - step,
      ArrowRight: at + step,
      ArrowUp: at + step,
      PageDown: at - Math.round((this.indices(this.range)[1] - this.indices(this.range)[0]) / 4),
      PageUp: at + Math.round((this.indices(this.range)[1] - this.indices(this.range)[0]) / 4),
      Home: 0,
      End: last,
    };
    if (event.key in moves) {
      this.cursor = Math.min(Math.max(moves[event.key], 0), last);
      const rest = this.rest[this.cursor];
      if (rest < low || rest > high) this.show([rest - (high - low) / 2, rest + (high - low) / 2]);
      else this.point();
    } else if (event.key === "+" || event.key === "=") this.zoom(0.5, this.rest[at]);
    else if (event.key === "-") this.zoom(2, this.rest[at]);
    else if (event.key === "0" || event.key === "Escape") this.show(this.whole);
    else return;
    event.preventDefault();
  }

  /** Download what is shown as PNG with the name of the star. */
  save() {
    const [width, height, head] = [this.plot.clientWidth, this.plot.clientHeight, 24];
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * width, 2 * (height + head)];
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.fillStyle = this.data.palette.surface;
    context.fillRect(0, 0, width, height + head);
    context.fillStyle = this.data.palette.ink;
    context.font = `600 13px ${getComputedStyle(this.root).fontFamily}`;
    context.fillText(this.name, 10, 17);
    context.translate(0, head);
    this.paint(context, width, height);
    const link = document.createElement("a");
    link.download = `spectrum-${this.name.replaceAll(" ", "-")}.png`;
    link.href = canvas.toDataURL("image/png");
    link.click();
  }
}

const HINT = "Drag to zoom, double-click for the whole spectrum. Keys: arrows move the crosshair, + and − zoom, 0: whole.";

const viewers = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".viewer");
  let viewer = viewers.get(root);
  if (!viewer) {
    viewer = new Viewer(root, (message) => setTriggerValue("failed", message));
    viewers.set(root, viewer);
  }
  viewer.safely(() => viewer.update(data));
  return () => {
    viewer.destroy();
    viewers.delete(root);
  };
}
