// The viewer: its state, what it draws and what it says. Nothing here asks the server for anything.

const NARROW = 560; // pixels
const LEAST_PIXELS = 12; // in the closest zoom
const LABELLED = 3; // shaded ranges with their amount written
const HINT = "Drag to zoom, double-click for the whole spectrum. Keys: arrows move the crosshair, + and − zoom, 0: whole.";

class Viewer {
  constructor(root, fail) {
    this.root = root;
    this.fail = fail;
    this.plot = root.querySelector(".plot");
    this.cursor = null;
    this.controls = new Controls(this);
    this.gestures = new Gestures(this);
    this.observer = new ResizeObserver(() => this.size !== this.measured() && this.resize());
    this.observer.observe(root);
    this.observer.observe(this.plot);
  }

  destroy() {
    this.observer.disconnect();
  }

  /** Report an error to the page, which then shows its plain figure. */
  safely(action) {
    try {
      action();
    } catch (error) {
      this.destroy();
      this.fail(error);
    }
  }

  update(data) {
    this.data = data;
    this.rest = Float64Array.from(decode(data.wavelength), (wavelength) => wavelength / (1 + data.redshift));
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
    this.regions = [{ label: "Whole", low: this.whole[0], high: this.whole[1] }, ...data.regions];
    this.range = memory.ranges.get(data.name) ?? this.whole;
    if (this.name !== data.name) this.cursor = null;
    this.name = data.name;
    this.root.style.setProperty("--muted", data.palette.muted);
    this.controls.update(data);
    this.smooth();
    this.resize();
  }

  get shading() {
    return this.data.shadings[memory.shading];
  }

  /** The model whose residuals are drawn: the first that is shown. */
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

  /** Conversion to the chosen medium, in the chosen frame or in that of `observed`. */
  wavelengths(observed = this.data.frames[memory.frame].observed) {
    return new Wavelengths({ ...this.data.frames[memory.frame], observed }, this.data.redshift, this.data.air);
  }

  indices([low, high]) {
    return [firstNotBelow(this.rest, low), firstNotBelow(this.rest, high + 1e-9)];
  }

  pixels(range) {
    const [from, to] = this.indices(range);
    return to - from;
  }

  smooth() {
    this.smoothed = runningMean(this.flux, this.weights, memory.smoothing);
    for (const overlay of this.overlays) {
      overlay.smoothed = runningMean(overlay.flux, overlay.weights, memory.smoothing).mean;
    }
  }

  residual(model, i) {
    return (this.smoothed.mean[i] - model.smoothed[i]) / this.smoothed.error[i];
  }

  /** Show a range of rest wavelengths, inside the spectrum and not narrower than the closest zoom. */
  show([low, high]) {
    const [first, last] = this.whole;
    const least = (LEAST_PIXELS * (last - first)) / this.rest.length;
    const width = Math.min(Math.max(high - low, least), last - first);
    const start = Math.min(Math.max((low + high - width) / 2, first), last - width);
    this.range = [start, start + width];
    memory.ranges.set(this.name, this.range);
    this.draw();
  }

  zoom(factor, about) {
    const [low, high] = this.range;
    this.show([about - (about - low) * factor, about + (high - about) * factor]);
  }

  /** Sizes that the drawing depends on. */
  measured() {
    return [this.root.clientWidth, this.plot.clientWidth, this.plot.clientHeight, devicePixelRatio].join();
  }

  resize() {
    if (!this.data) return;
    const width = this.root.clientWidth;
    this.root.classList.toggle("narrow", width < NARROW);
    this.root.style.height = width < NARROW ? "" : `${this.data.height}px`;
    for (const canvas of this.root.querySelectorAll("canvas")) {
      canvas.width = Math.round(this.plot.clientWidth * devicePixelRatio);
      canvas.height = Math.round(this.plot.clientHeight * devicePixelRatio);
    }
    this.size = this.measured();
    if (this.plot.clientWidth > 80 && this.plot.clientHeight > 80) this.draw();
  }

  /** Context of one of the two canvases, empty, in pixels of the page. */
  sheet(name) {
    const context = this.root.querySelector(name).getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.plot.clientWidth, this.plot.clientHeight);
    return context;
  }

  draw() {
    this.safely(() => {
      const start = performance.now();
      this.paint(this.sheet(".data"), this.plot.clientWidth, this.plot.clientHeight);
      this.tell();
      this.point(this.cursor);
      performance.measure("spectrum-draw", { start, end: performance.now() });
    });
  }

  /** Draw everything but the crosshair. */
  paint(context, width, height) {
    const { data, rest, smoothed, model } = this;
    const { palette } = data;
    const { shown } = memory;
    const layout = new Layout(width, height, this.range, Boolean(model && shown.residuals), width < NARROW);
    const { main } = layout;
    const picture = new Picture(context, layout, palette, getComputedStyle(this.root).fontFamily);
    const [inside, outside] = this.indices(this.range);
    const [from, to] = [Math.max(inside - 1, 0), Math.min(outside + 1, rest.length)];
    const overlays = this.overlays.filter((overlay) => shown[overlay.key]);
    const limits = robustRange([smoothed.mean, ...overlays.map((overlay) => overlay.smoothed)], inside, outside);
    [this.layout, this.limits] = [layout, limits];
    if (this.shading) this.shade(picture);
    picture.bands(data.gaps, () => faded(palette.muted, 0.14));
    picture.verticalAxis(main, limits, data.flux_title, ticks(...limits, (main.bottom - main.top) / 55), true);
    picture.horizontalAxis(this.wavelengths(), data.frames[memory.frame].title);
    const { star, sky } = this.marks;
    if (shown.sky) picture.lines(sky, palette.second, true);
    if (shown.lines) picture.lines(star, faded(palette.muted, 0.45), false);
    if (shown.errors) {
      picture.errorBand(main, limits, rest, smoothed.mean, smoothed.error, from, to, faded(palette.data, 0.22));
    }
    picture.curve(main, limits, rest, smoothed.mean, from, to, palette.data, 1.4);
    const dense = to - from > 2 * (main.right - main.left);
    for (const overlay of overlays) {
      const colour = faded(overlay.colour, dense ? 0.7 : 0.85);
      picture.curve(main, limits, rest, overlay.smoothed, from, to, colour, dense ? 0.5 : 0.9);
    }
    picture.masked(rest, this.error, from, to);
    if (this.shading) this.nameShades(picture);
    picture.frame(main);
    if (layout.residual) this.paintResiduals(picture, model, from, to);
  }

  paintResiduals(picture, model, from, to) {
    const { residual, narrow } = picture.layout;
    const values = Float32Array.from(this.rest, (_, i) => (i >= from && i < to ? this.residual(model, i) : NaN));
    const sizes = sortedFinite(values.map(Math.abs), from, to);
    const largest = Math.max(4, 1.15 * (sizes.length ? quantile(sizes, 0.99) : 0));
    const limits = [-largest, largest];
    const tick = roundBelow(0.9 * largest);
    const marked = residual.bottom - residual.top > 44 ? [-tick, 0, tick] : [-tick, tick];
    picture.verticalAxis(residual, limits, narrow ? "Δ/σ" : "(F − M)/σ", { values: marked, digits: 0 }, false);
    const zero = Layout.y(residual, limits, 0);
    picture.rule(residual.left, zero, residual.right, zero, this.data.palette.muted);
    picture.curve(residual, limits, this.rest, values, from, to, model.colour, 0.9);
    picture.frame(residual);
  }

  shade(picture) {
    const { warning, draws } = this.data.palette;
    const { edges, values } = this.shading;
    const largest = Math.max(...values.map(Math.abs), 1e-12);
    picture.bands(edges, (k) => faded(values[k] > 0 ? warning : draws, (0.45 * Math.abs(values[k])) / largest));
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
    const chosen = this.regions.findIndex((one) => Math.abs(one.low - low) < 0.5 && Math.abs(one.high - high) < 0.5);
    this.controls.press(chosen);
    const limits = this.range.map((rest) => write(this.wavelengths().shown(rest), 0)).join("–");
    const name = chosen < 0 ? `${limits} Å` : chosen ? `${this.regions[chosen].label}, ${limits} Å` : "Whole spectrum";
    const { median, good, masked } = signalToNoise(this.flux, this.error, ...this.indices(this.range));
    const count = `median of ${good.toLocaleString("en")} pixels${masked ? `, ${masked} masked` : ""}`;
    const estimated = this.data.has_errors ? "" : "; errors estimated from the scatter";
    const words = good
      ? `${name}: S/N ${write(median, median < 9.95 ? 1 : 0)} per pixel (${count}${estimated}).`
      : `${name}: all pixels are masked.`;
    const place = this.root.querySelector(".noise");
    if (place.textContent !== words) place.textContent = words;
  }

  /** Move the crosshair to a pixel, or remove it; draw it with the dragged range, and read the pixel. */
  point(cursor) {
    this.cursor = cursor;
    const context = this.sheet(".pointer");
    const { main, floor } = this.layout;
    const { palette } = this.data;
    const { drag } = this.gestures;
    if (drag?.to !== undefined) {
      context.fillStyle = faded(palette.control, 0.22);
      context.fillRect(drag.from, main.top, drag.to - drag.from, floor - main.top);
    }
    if (cursor !== null) {
      const x = this.layout.x(this.rest[cursor]);
      const y = Layout.y(main, this.limits, this.smoothed.mean[cursor]);
      const visible = y >= main.top && y <= main.bottom;
      context.strokeStyle = palette.ink;
      context.setLineDash([4, 3]);
      context.beginPath();
      context.moveTo(x, main.top);
      context.lineTo(x, floor);
      if (visible) context.moveTo(main.left, y);
      if (visible) context.lineTo(main.right, y);
      context.stroke();
      context.fillStyle = palette.accent;
      context.beginPath();
      if (visible) context.arc(x, y, 3.5, 0, 2 * Math.PI);
      context.fill();
    }
    this.read();
  }

  /** Write what is under the crosshair, for the eye and for a screen reader. */
  read() {
    const parts = this.cursor === null ? [HINT] : this.words(this.cursor);
    const nodes = parts.map((part) => {
      if (typeof part === "string") return part;
      const bold = document.createElement("b");
      bold.textContent = part[0];
      return bold;
    });
    this.root.querySelector(".reading").replaceChildren(...nodes);
    this.plot.setAttribute("aria-valuemin", Math.floor(this.whole[0]));
    this.plot.setAttribute("aria-valuemax", Math.ceil(this.whole[1]));
    this.plot.setAttribute("aria-valuenow", Math.round(this.rest[this.cursor ?? 0]));
    this.plot.setAttribute("aria-valuetext", parts.flat().join(""));
  }

  /** Wavelength, flux, S/N and nearest line of a pixel: strings, those to be emphasised as [string]. */
  words(i) {
    const rest = this.rest[i];
    const [at, observed] = [false, true].map((moved) => write(this.wavelengths(moved).shown(rest), 1));
    const medium = this.data.frames[memory.frame].air ? "air" : "vacuum";
    const parts = [[`${at} Å`], ` rest, ${observed} Å observed (${medium}) · `];
    if (this.error[i] > 0) {
      const { mean, error } = this.smoothed;
      const smoothing = memory.smoothing > 1 ? ` (mean of ${memory.smoothing})` : "";
      parts.push("flux ", [withError(mean[i], error[i])], `${smoothing} · `);
      parts.push("S/N ", [write(this.flux[i] / this.error[i], 1)], " per pixel");
    } else parts.push("masked");
    const { star, sky } = this.marks;
    const apart = (mark) => Math.abs(mark[0] - rest);
    const near = [...star, ...sky].sort((a, b) => apart(a) - apart(b))[0];
    const sign = near?.[0] > rest ? "−" : "+";
    if (near) parts.push(" · nearest line ", [near[1]], ` (${sign}${apart(near).toFixed(1)} Å)`);
    const residual = this.model ? this.residual(this.model, i) : NaN;
    if (Number.isFinite(residual)) parts.push(` · residual ${residual >= 0 ? "+" : ""}${write(residual, 1)}σ`);
    const range = this.shading?.edges.findIndex(([low, high]) => low <= rest && rest < high + 1) ?? -1;
    if (range >= 0) parts.push("\n", this.shading.words[range]);
    return parts;
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

const viewers = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const fail = (error) => setTriggerValue("failed", String(error));
  try {
    const root = parentElement.querySelector(".viewer");
    if (!viewers.has(root)) viewers.set(root, new Viewer(root, fail));
    const viewer = viewers.get(root);
    viewer.update(data);
    return () => {
      viewer.destroy();
      viewers.delete(root);
    };
  } catch (error) {
    fail(error);
  }
}
