// Native controls of the viewer: buttons of regions, boxes of curves, menus.

/** What the visitor chose, while the page is open: for all stars, and the visible range of each star. */
const memory = { smoothing: null, frame: 0, shift: 0, shading: 0, shown: {}, ranges: new Map() };

class Controls {
  constructor(viewer) {
    this.viewer = viewer;
    this.part = (name) => viewer.root.querySelector(name);
    this.part(".shift").addEventListener("input", (event) => {
      memory.shift = Number(event.target.value) || 0;
      viewer.draw();
    });
    this.part(".picture").addEventListener("click", () => viewer.save());
  }

  update(data) {
    memory.smoothing ??= data.default_smoothing;
    this.regions();
    this.curves(data);
    this.menus(data);
    this.part(".shift").value = memory.shift;
  }

  regions() {
    const { viewer } = this;
    const buttons = viewer.regions.map((region) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = region.label;
      button.disabled = viewer.pixels([region.low, region.high]) < LEAST_PIXELS;
      if (button.disabled) button.title = "not observed";
      button.addEventListener("click", () => viewer.show([region.low, region.high]));
      return button;
    });
    this.part(".regions").replaceChildren(...buttons);
  }

  press(chosen) {
    [...this.part(".regions").children].forEach((button, number) => {
      button.setAttribute("aria-pressed", String(number === chosen));
    });
  }

  curves({ palette, gaps }) {
    const { viewer } = this;
    const models = viewer.overlays.map((overlay, number) => {
      const entry = this.box(overlay.key, overlay.name, overlay.colour, "line", number === 0);
      entry.title = overlay.about;
      return entry;
    });
    const entries = [
      this.legend("flux", palette.data, "line"),
      this.box("errors", "±1σ", faded(palette.data, 0.25), "area"),
      ...models,
      ...(models.length ? [this.box("residuals", "residuals")] : []),
      this.box("lines", "lines", palette.muted, "line"),
      this.box("sky", "night sky", palette.second, "line", false),
      ...(viewer.weights.some((weight) => !weight) ? [this.legend("masked", palette.warning, "tick")] : []),
      ...(gaps.length ? [this.legend("not observed", faded(palette.muted, 0.2), "area")] : []),
    ];
    this.part(".curves").replaceChildren(...entries);
  }

  menus({ palette, shadings, smoothing, frames }) {
    const { viewer } = this;
    const widths = smoothing.map((width) => [width, width === 1 ? "none" : `${width} pixels`]);
    this.menu(".smoothing", widths, memory.smoothing, (value) => {
      memory.smoothing = value;
      viewer.smooth();
    });
    const names = frames.map((frame, number) => [number, frame.name]);
    this.menu(".frame", names, memory.frame, (value) => (memory.frame = value));
    const shaded = shadings.length > 0;
    this.part(".shading").hidden = !shaded;
    viewer.root.classList.toggle("shaded", shaded);
    if (!shaded) return;
    memory.shading = Math.min(memory.shading, shadings.length - 1);
    const titles = shadings.map((one, number) => [number, one.title]);
    this.menu(".effect", titles, memory.shading, (value) => (memory.shading = value));
    const signs = [["raises it", palette.warning], ["lowers it", palette.draws]];
    const keys = signs.map(([text, colour]) => this.legend(text, faded(colour, 0.45), "area"));
    this.part(".effects").replaceChildren(...keys);
  }

  menu(name, options, chosen, choose) {
    const select = this.part(name);
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
    select.onchange = () => {
      choose(Number(select.value));
      this.viewer.draw();
    };
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

  box(key, text, colour = null, kind = "line", shown = true) {
    memory.shown[key] ??= shown;
    const entry = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.name = key;
    box.checked = memory.shown[key];
    box.addEventListener("change", () => {
      memory.shown[key] = box.checked;
      this.viewer.draw();
    });
    entry.append(box, ...(colour ? [this.swatch(colour, kind)] : []), text);
    return entry;
  }
}
