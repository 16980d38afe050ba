// Arrays of a spectrum: decoding, running means, quantiles, frames of the wavelength, ticks of an axis.

const SPEED_OF_LIGHT = 299792.458; // km/s

/** Float32Array from {bdata: base64 of little-endian float32}. */
function decode(packed) {
  return new Float32Array(Uint8Array.from(atob(packed.bdata), (letter) => letter.charCodeAt(0)).buffer);
}

/** Running mean of `values` over `width` pixels with `weights`; NaN where the weight of the pixel itself is 0. */
function runningMean(values, weights, width) {
  const half = (width - 1) / 2;
  const mean = new Float32Array(values.length).fill(NaN);
  const error = new Float32Array(values.length).fill(NaN);
  for (let i = 0; i < values.length; i++) {
    if (!(weights[i] > 0)) continue;
    let total = 0;
    let sum = 0;
    for (let k = Math.max(0, i - half); k <= Math.min(values.length - 1, i + half); k++) {
      if (!(weights[k] > 0)) continue;
      total += weights[k];
      sum += weights[k] * values[k];
    }
    mean[i] = sum / total;
    error[i] = 1 / Math.sqrt(total);
  }
  return { mean, error };
}

/** Index of the first element of an ascending array that is not below `value`. */
function firstNotBelow(ascending, value) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the element of an ascending array that is closest to `value`. */
function nearest(ascending, value) {
  const at = Math.min(Math.max(firstNotBelow(ascending, value), 1), ascending.length - 1);
  return value - ascending[at - 1] < ascending[at] - value ? at - 1 : at;
}

/** Finite values between two indices, in ascending order. */
function sortedFinite(values, from, to) {
  return values.slice(from, to).filter(Number.isFinite).sort();
}

/** Quantile of an ascending array, interpolated linearly. */
function quantile(ascending, share) {
  const place = share * (ascending.length - 1);
  const below = Math.floor(place);
  const next = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (place - below) * (ascending[next] - ascending[below]);
}

/** Limits of the flux axis for the visible part of several curves, robust against outliers. */
function robustRange(curves, from, to) {
  let [low, high, middle] = [Infinity, -Infinity, 0];
  curves.forEach((curve, number) => {
    const sorted = sortedFinite(curve, from, to);
    if (!sorted.length) return;
    low = Math.min(low, quantile(sorted, 0.0007));
    high = Math.max(high, quantile(sorted, 0.998));
    if (number === 0) middle = quantile(sorted, 0.5);
  });
  if (!(high >= low)) return [0, 1];
  const room = 0.08 * Math.max(high - low, 0.05 * Math.abs(middle), 1e-6);
  return [low - room, high + room];
}

/** Median S/N per pixel between two indices, with the numbers of good and of masked pixels. */
function signalToNoise(flux, error, from, to) {
  const ratios = [];
  for (let i = from; i < to; i++) if (error[i] > 0) ratios.push(flux[i] / error[i]);
  ratios.sort((a, b) => a - b);
  return { median: ratios.length ? quantile(ratios, 0.5) : NaN, good: ratios.length, masked: to - from - ratios.length };
}

/** Conversion between rest wavelengths in vacuum and a frame and medium, Angstrom. */
class Wavelengths {
  constructor(frame, redshift, air) {
    this.stretch = frame.observed ? 1 + redshift : 1;
    this.air = frame.air ? { ...air, excess: decode(air.excess) } : null;
  }

  /** Refractive index of air; a shift of 2 Angstrom changes it by less than 1e-7. */
  index(wavelength) {
    const { first, step, excess } = this.air;
    const place = Math.min(Math.max((wavelength - first) / step, 0), excess.length - 1.001);
    const below = Math.floor(place);
    return 1 + 1e-4 * (excess[below] + (place - below) * (excess[below + 1] - excess[below]));
  }

  shown(rest) {
    const vacuum = rest * this.stretch;
    return this.air ? vacuum / this.index(vacuum) : vacuum;
  }

  rest(shown) {
    return (this.air ? shown * this.index(shown) : shown) / this.stretch;
  }
}

/** Round tick values between two limits, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(k * step);
  return { values: found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** Largest of 1, 2, 5 times a power of ten that is not above `value`. */
function roundBelow(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [5, 2, 1].find((factor) => factor * power <= value) * power;
}

/** Number with a true minus sign. */
function write(value, digits) {
  return value.toFixed(digits).replace("-", "−");
}

/** Value and error, with two significant digits of the error. */
function withError(value, error) {
  const place = Math.floor(Math.log10(error));
  const size = Math.floor(Math.log10(Math.max(Math.abs(value), error)));
  if (size >= 6 || place < -4) {
    const power = 10 ** size;
    const digits = Math.max(0, size - place + 1);
    const exponent = String(size).replace("-", "−");
    return `(${write(value / power, digits)} ± ${write(error / power, digits)})×10^${exponent}`;
  }
  const digits = Math.max(0, 1 - place);
  return `${write(value, digits)} ± ${write(error, digits)}`;
}
