// Drawing of a spectrum on a canvas: axes, shading, curves, labels of lines.

const STRIP_ROWS = 3;
const ROW_HEIGHT = 15;
const MARGIN = { left: 56, right: 10, bottom: 42 };
const RESIDUAL_SHARE = 0.17;
const FONT = 12;

/** Colour #rrggbb with an opacity. */
function faded(colour, alpha) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return `rgba(${red},${green},${blue},${alpha})`;
}

/** Places of the panels and scales from wavelength, flux and sigma to pixels. */
class Layout {
  constructor(width, height, range, withResiduals, narrow) {
    const left = narrow ? 46 : MARGIN.left;
    const top = STRIP_ROWS * ROW_HEIGHT + 4;
    const floor = height - MARGIN.bottom;
    const residuals = withResiduals ? Math.round(RESIDUAL_SHARE * (floor - top)) : 0;
    this.width = width;
    this.height = height;
    this.range = range;
    this.narrow = narrow;
    this.main = { left, right: width - MARGIN.right, top, bottom: floor - (residuals ? residuals + 8 : 0) };
    this.residual = residuals ? { ...this.main, top: floor - residuals, bottom: floor } : null;
    this.floor = floor;
  }

  x(rest) {
    const [low, high] = this.range;
    return this.main.left + ((rest - low) / (high - low)) * (this.main.right - this.main.left);
  }

  rest(x) {
    const [low, high] = this.range;
    return low + ((x - this.main.left) / (this.main.right - this.main.left)) * (high - low);
  }

  static y(panel, limits, value) {
    return panel.bottom - ((value - limits[0]) / (limits[1] - limits[0])) * (panel.bottom - panel.top);
  }
}

/** Everything that does not move with the crosshair. */
class Picture {
  constructor(context, layout, palette, font) {
    this.context = context;
    this.layout = layout;
    this.palette = palette;
    context.font = `${FONT}px ${font}`;
    this.font = font;
  }

  inside(panel, draw) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(panel.left, panel.top, panel.right - panel.left, panel.bottom - panel.top);
    context.clip();
    draw();
    context.restore();
  }

  bands(ranges, colourOf) {
    const { context, layout } = this;
    const { main } = layout;
    this.inside(main, () =>
      ranges.forEach(([low, high], number) => {
        context.fillStyle = colourOf(number);
        context.fillRect(layout.x(low), main.top, layout.x(high) - layout.x(low), main.bottom - main.top);
      })
    );
  }

  /** Curve through finite values; steps of one pixel each where the pixels are wide on the screen. */
  curve(panel, limits, rest, values, from, to, colour, width) {
    const { context, layout } = this;
    const steps = to - from < (panel.right - panel.left) / 5;
    this.inside(panel, () => {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.lineJoin = "round";
      context.beginPath();
      let open = false;
      for (let i = from; i < to; i++) {
        if (!Number.isFinite(values[i])) {
          open = false;
          continue;
        }
        const y = Layout.y(panel, limits, values[i]);
        if (steps) {
          const before = i > 0 ? rest[i - 1] : 2 * rest[i] - rest[i + 1];
          const after = i < rest.length - 1 ? rest[i + 1] : 2 * rest[i] - rest[i - 1];
          const start = layout.x((before + rest[i]) / 2);
          if (open) context.lineTo(start, y);
          else context.moveTo(start, y);
          context.lineTo(layout.x((rest[i] + after) / 2), y);
        } else if (open) context.lineTo(layout.x(rest[i]), y);
        else context.moveTo(layout.x(rest[i]), y);
        open = true;
      }
      context.stroke();
    });
  }

  errorBand(panel, limits, rest, mean, error, from, to, colour) {
    const { context, layout } = this;
    this.inside(panel, () => {
      context.fillStyle = colour;
      let start = from;
      while (start < to) {
        while (start < to && !Number.isFinite(mean[start])) start++;
        let stop = start;
        while (stop < to && Number.isFinite(mean[stop])) stop++;
        context.beginPath();
        for (let i = start; i < stop; i++) context.lineTo(layout.x(rest[i]), Layout.y(panel, limits, mean[i] + error[i]));
        for (let i = stop - 1; i >= start; i--) {
          context.lineTo(layout.x(rest[i]), Layout.y(panel, limits, mean[i] - error[i]));
        }
        context.fill();
        start = stop + 1;
      }
    });
  }

  masked(rest, error, from, to) {
    const { context, layout, palette } = this;
    const { main } = layout;
    this.inside(main, () => {
      context.fillStyle = palette.warning;
      for (let i = from; i < to; i++) {
        if (!(error[i] > 0)) context.fillRect(layout.x(rest[i]) - 0.75, main.bottom - 8, 1.5, 8);
      }
    });
  }

  /** Strokes of lines; the names that fit stand in rows above the figure. */
  lines(marks, colour, dashed) {
    const { context, layout, palette } = this;
    const { main } = layout;
    const ends = new Array(STRIP_ROWS).fill(-Infinity);
    let last = null;
    context.save();
    context.font = `11px ${this.font}`;
    context.lineWidth = 1;
    for (const [rest, label] of marks) {
      const x = layout.x(rest);
      if (x < main.left || x > main.right) continue;
      context.strokeStyle = colour;
      context.setLineDash(dashed ? [3, 3] : []);
      let top = main.top;
      const repeated = last && last.label === label && x - last.x < 60;
      if (!repeated) {
        const width = context.measureText(label).width + 8;
        const place = x + width > layout.width ? x - width : x;
        const row = ends.findIndex((_, k) => ends.slice(k).every((end) => end <= place));
        if (row >= 0) {
          ends[row] = place + width;
          top = 4 + row * ROW_HEIGHT;
          context.fillStyle = palette.ink;
          context.textAlign = "left";
          context.textBaseline = "top";
          context.fillText(label, place + 4, top);
        }
        last = { label, x };
      }
      context.beginPath();
      context.moveTo(x, top);
      context.lineTo(x, main.bottom);
      context.stroke();
    }
    context.restore();
  }

  /** Amounts of the strongest shaded ranges, above the floor of the figure. */
  amounts(entries) {
    const { context, layout, palette } = this;
    const { main } = layout;
    context.save();
    context.font = `11px ${this.font}`;
    context.textAlign = "center";
    context.textBaseline = "bottom";
    const taken = [[], [], []];
    for (const { low, high, text } of entries) {
      const middle = layout.x((low + high) / 2);
      const half = context.measureText(text).width / 2 + 4;
      if (middle < main.left || middle > main.right) continue;
      const x = Math.min(Math.max(middle, main.left + half), main.right - half);
      const row = taken.findIndex((ranges) => ranges.every(([a, b]) => x - half >= b || x + half <= a));
      if (row < 0) continue;
      taken[row].push([x - half, x + half]);
      const floor = main.bottom - 10 - 18 * row;
      context.fillStyle = palette.surface;
      context.globalAlpha = 0.85;
      context.fillRect(x - half, floor - 17, 2 * half, 17);
      context.globalAlpha = 1;
      context.fillStyle = palette.ink;
      context.fillText(text, x, floor - 2);
    }
    context.restore();
  }

  frame(panel) {
    const { context, palette } = this;
    context.strokeStyle = palette.muted;
    context.lineWidth = 1;
    context.strokeRect(panel.left + 0.5, panel.top + 0.5, panel.right - panel.left - 1, panel.bottom - panel.top - 1);
  }

  verticalAxis(panel, limits, title, { values, digits }, grid) {
    const { context, palette } = this;
    const large = Math.max(Math.abs(limits[0]), Math.abs(limits[1]));
    const text = (value) => (large >= 1e5 || large < 1e-2 ? value.toExponential(1) : value.toFixed(digits)).replace("-", "−");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of values) {
      const y = Layout.y(panel, limits, value);
      if (grid) this.rule(panel.left, y, panel.right, y, palette.grid);
      this.rule(panel.left - 4, y, panel.left, y, palette.muted);
      context.fillStyle = palette.muted;
      context.fillText(text(value), panel.left - 7, y);
    }
    context.save();
    context.translate(11, (panel.top + panel.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillStyle = palette.ink;
    context.fillText(title, 0, 0);
    context.restore();
  }

  horizontalAxis(wavelengths, title) {
    const { context, layout, palette } = this;
    const { left, right } = layout.main;
    const shown = layout.range.map((rest) => wavelengths.shown(rest));
    const { values, digits } = ticks(shown[0], shown[1], (right - left) / 80);
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const value of values) {
      const x = layout.x(wavelengths.rest(value));
      this.rule(x, layout.floor, x, layout.floor + 4, palette.muted);
      context.fillStyle = palette.muted;
      context.fillText(value.toFixed(digits), x, layout.floor + 7);
    }
    context.fillStyle = palette.ink;
    context.fillText(title, (left + right) / 2, layout.floor + 25);
  }

  rule(x0, y0, x1, y1, colour) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  }
}
