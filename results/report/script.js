"use strict";
// The report's moving parts. A chart is a Drawing, a list of shapes, which becomes SVG in the page, or an SVG or PDF file; nothing is
// asked of a network.

const study = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// ---- Numbers: as results/report/data.py wrote them

const DIGITS = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].map((letter, i) => [letter, i]));

function numbers(text, width) {
  const found = new Array(text.length / width);
  for (let i = 0; i < found.length; i++) {
    let value = 0;
    for (let j = 0; j < width; j++) value = 64 * value + DIGITS.get(text[i * width + j]);
    found[i] = value;
  }
  return found;
}

const percent = (share, digits = 2) => `${(100 * share).toFixed(digits)} %`;
const signed = (share, digits = 2) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(digits)}`;
const word = (name) => study.words[name] ?? name;
const short = (value) => (isFinite(value) && value !== "" ? String(+Number(value).toPrecision(4)) : value);
const equal = (a, b) => String(a) === String(b) || (a !== "" && Number(a) === Number(b));

// ---- Drawings

const PALETTE = {
  ink: "#1c1c1a", muted: "#62625c", line: "#dcdcd6", paper: "#ffffff",
  c0: "#0072b2", c1: "#d55e00", c2: "#009e73", c3: "#cc79a7", c4: "#e69f00", c5: "#56b4e9", c6: "#000000",
};
const onScreen = (colour) => (colour in PALETTE ? `var(--${colour})` : colour);
const onPaper = (colour) => PALETTE[colour] ?? colour;
const RAMP = [[0, 34, 78], [39, 63, 108], [87, 93, 109], [124, 123, 120], [165, 156, 116], [208, 193, 91], [254, 232, 56]]; // cividis

function ramp(share) {
  const at = Math.max(0, Math.min(1, share)) * (RAMP.length - 1);
  const i = Math.min(Math.floor(at), RAMP.length - 2);
  const mixed = RAMP[i].map((low, j) => Math.round(low + (at - i) * (RAMP[i + 1][j] - low)));
  return "#" + mixed.map((part) => part.toString(16).padStart(2, "0")).join("");
}

function textWidth(text, size) {
  let sum = 0;
  for (const letter of String(text)) sum += (study.font.glyphs[letter] ?? study.font.glyphs["?"])[1];
  return (sum * size) / 1000;
}

class Drawing {
  constructor(width, height) {
    Object.assign(this, { width, height, shapes: [] });
  }
  // style: stroke, fill, width, dash, opacity; tip, the text at the pointer; to, the dataset that a click leads to
  path(points, style) {
    this.shapes.push({ kind: "path", points, ...style });
  }
  line(x1, y1, x2, y2, style) {
    this.path([[x1, y1], [x2, y2]], { stroke: "line", ...style });
  }
  rect(x, y, w, h, style) {
    this.path([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], { close: true, ...style });
  }
  circle(x, y, r, style) {
    this.shapes.push({ kind: "circle", x, y, r, ...style });
  }
  text(x, y, text, style) {
    this.shapes.push({ kind: "text", x, y, text: String(text), size: 11, anchor: "start", fill: "ink", ...style });
  }
}

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const round = (value) => String(Math.round(value * 100) / 100);

function toSVG(drawing, label, colour = onScreen) {
  const paint = (shape) =>
    ` fill="${shape.fill ? colour(shape.fill) : "none"}"` +
    (shape.stroke ? ` stroke="${colour(shape.stroke)}" stroke-width="${shape.width ?? 1}" stroke-linejoin="round"` : "") +
    (shape.dash ? ` stroke-dasharray="${shape.dash}"` : "") +
    (shape.opacity ? ` opacity="${shape.opacity}"` : "");
  const parts = drawing.shapes.map((shape) => {
    const pointed = shape.tip ? ` data-tip="${escaped(shape.tip)}"` : ' pointer-events="none"', tip = colour === onScreen ? pointed : "";
    let part;
    if (shape.kind === "path") {
      const d = "M" + shape.points.map(([x, y]) => `${round(x)} ${round(y)}`).join("L") + (shape.close ? "Z" : "");
      part = `<path d="${d}"${paint(shape)}${tip}/>`;
    } else if (shape.kind === "circle") {
      part = `<circle cx="${round(shape.x)}" cy="${round(shape.y)}" r="${shape.r}"${paint(shape)}${tip}/>`;
    } else {
      const turn = shape.turn ? ` transform="rotate(${shape.turn} ${round(shape.x)} ${round(shape.y)})"` : "";
      part = `<text x="${round(shape.x)}" y="${round(shape.y)}" font-size="${shape.size}" text-anchor="${shape.anchor}"${paint(shape)}${turn}${tip}>${escaped(shape.text)}</text>`;
    }
    return shape.to && colour === onScreen
      ? `<a href="#dataset-${escaped(shape.to)}" aria-label="${escaped(shape.tip ?? shape.to)}">${part}</a>`
      : part;
  });
  const { width, height } = drawing;
  const size = `width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}"`;
  const role = drawing.shapes.some((shape) => shape.to) ? "group" : "img";
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="${role}" aria-label="${escaped(label)}">${parts.join("")}</svg>`;
}

function toFile(drawing, label) {
  const paper = new Drawing(drawing.width, drawing.height);
  paper.rect(0, 0, drawing.width, drawing.height, { fill: "paper" });
  paper.shapes.push(...drawing.shapes);
  return toSVG(paper, label, onPaper).replace("<svg ", '<svg font-family="DejaVu Sans, Verdana, sans-serif" ');
}

// A PDF of one page: the shapes as they are, text in the embedded font
function toPDF(drawing) {
  const scale = 0.75; // points a pixel
  const rgb = (colour) => [1, 3, 5].map((i) => round(parseInt(onPaper(colour).slice(i, i + 2), 16) / 255)).join(" ");
  const opacities = [...new Set(drawing.shapes.map((shape) => shape.opacity ?? 1))];
  const glyph = (letter) => study.font.glyphs[letter] ?? study.font.glyphs["?"];
  const hex = (value) => value.toString(16).padStart(4, "0");
  const ops = [`${scale} 0 0 ${-scale} 0 ${round(drawing.height * scale)} cm 1 j`];
  for (const shape of drawing.shapes) {
    ops.push(`q /G${opacities.indexOf(shape.opacity ?? 1)} gs`);
    if (shape.fill) ops.push(`${rgb(shape.fill)} rg`);
    if (shape.stroke) ops.push(`${rgb(shape.stroke)} RG ${shape.width ?? 1} w`, `[${shape.dash ?? ""}] 0 d`);
    const finish = (close) => ops.push(shape.fill && shape.stroke ? "b" : shape.fill ? "f" : close ? "s" : "S");
    if (shape.kind === "path") {
      shape.points.forEach(([x, y], i) => ops.push(`${round(x)} ${round(y)} ${i ? "l" : "m"}`));
      finish(shape.close);
    } else if (shape.kind === "circle") {
      const { x, y, r } = shape, k = 0.5523 * r; // a quarter of a circle as a Bézier curve
      ops.push(`${round(x + r)} ${round(y)} m`);
      for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0], [0, -1]]) {
        const ends = [[r * dx - k * dy, r * dy + k * dx], [k * dx - r * dy, k * dy + r * dx], [-r * dy, r * dx]];
        ops.push(ends.map(([a, b]) => `${round(x + a)} ${round(y + b)}`).join(" ") + " c");
      }
      finish(true);
    } else {
      const turn = ((shape.turn ?? 0) * Math.PI) / 180, cos = Math.cos(turn), sin = Math.sin(turn);
      const back = { start: 0, middle: 0.5, end: 1 }[shape.anchor] * textWidth(shape.text, shape.size);
      const codes = [...shape.text].map((letter) => hex(glyph(letter)[0])).join("");
      const matrix = [cos, sin, sin, -cos, shape.x - back * cos, shape.y - back * sin].map(round).join(" ");
      ops.push(`BT /F ${shape.size} Tf ${matrix} Tm <${codes}> Tj ET`);
    }
    ops.push("Q");
  }
  const { glyphs, file, ascent, descent, box } = study.font;
  const letters = Object.entries(glyphs).sort((a, b) => a[1][0] - b[1][0]);
  const maps = [];
  for (let i = 0; i < letters.length; i += 100) {
    const some = letters.slice(i, i + 100);
    maps.push(`${some.length} beginbfchar`, ...some.map(([letter, [id]]) => `<${hex(id)}> <${hex(letter.charCodeAt(0))}>`), "endbfchar");
  }
  const cmap = [
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Chart def /CMapType 2 def",
    "1 begincodespacerange <0000> <ffff> endcodespacerange", ...maps, "endcmap end end",
  ].join("\n");
  const stream = (text, more = "") => `<< /Length ${text.length}${more} >>\nstream\n${text}\nendstream`;
  const states = opacities.map((opacity, i) => `/G${i} << /CA ${opacity} /ca ${opacity} >>`).join(" ");
  const page = [drawing.width, drawing.height].map((side) => round(side * scale)).join(" ");
  const font = atob(file);
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${page}] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> /ExtGState << ${states} >> >> >>`,
    stream(ops.join("\n")),
    "<< /Type /Font /Subtype /Type0 /BaseFont /RNTKAA+DejaVuSans /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 9 0 R >>",
    `<< /Type /Font /Subtype /CIDFontType2 /BaseFont /RNTKAA+DejaVuSans /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor 7 0 R /CIDToGIDMap /Identity /W [${letters.map(([, [id, advance]]) => `${id} [${advance}]`).join(" ")}] >>`,
    `<< /Type /FontDescriptor /FontName /RNTKAA+DejaVuSans /Flags 4 /FontBBox [${box.join(" ")}] /ItalicAngle 0 /Ascent ${ascent} /Descent ${descent} /CapHeight ${ascent} /StemV 80 /FontFile2 8 0 R >>`,
    stream(font, ` /Length1 ${font.length}`),
    stream(cmap),
  ];
  let text = "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n";
  const offsets = objects.map((object, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const entries = offsets.map((at) => `${String(at).padStart(10, "0")} 00000 n \n`).join("");
  const end = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${end}\n%%EOF\n`;
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function save(content, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function make(tag, content = "", attributes = {}) {
  const element = document.createElement(tag);
  element.append(...[content].flat());
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Put a chart into a figure: `draw(width)` makes it for a width, `name` is the file's
function show(figure, draw, label, caption, name) {
  figure.redraw = () => {
    const drawing = draw(Math.max(260, figure.closest("section, .canvas").clientWidth));
    figure.innerHTML = toSVG(drawing, label);
    figure.style.width = `max(20rem, ${drawing.width}px)`;
    const files = make("span", "", { class: "save" }), held = study.figures[name]; // as matplotlib drew it
    for (const [kind, type, write] of [
      ["pdf", "application/pdf", () => (held ? bytes(held.pdf) : toPDF(drawing))],
      ["svg", "image/svg+xml", () => (held ? bytes(held.svg) : toFile(drawing, label))],
    ]) {
      const button = make("button", kind.toUpperCase(), { type: "button", "aria-label": `${label} as ${kind.toUpperCase()}` });
      button.addEventListener("click", () => save(write(), type, `${study.study}_${name}.${kind}`));
      files.append(button);
    }
    figure.append(make("figcaption", [caption + " ", files]));
  };
  figure.redraw();
}

let width = document.body.clientWidth;
new ResizeObserver(() => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  document.querySelectorAll("figure").forEach((figure) => figure.redraw?.());
}).observe(document.body);

// ---- Charts

function ticks(low, high, most = 6) {
  const raw = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((step) => step >= raw - 1e-12);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(+(i * step).toPrecision(12));
  return found;
}

const colourOf = (lead) => (lead > 0 ? "c0" : lead < 0 ? "c1" : "muted");

// A point a dataset, {name, a, b, lead}: a up and b across, in shares
function scatter(rows, first, second, room, labels = [`${first}, accuracy (%)`, `${second}, accuracy (%)`]) {
  const side = Math.min(440, room), left = 46, top = 10, bottom = 40, w = side - left - 12;
  const drawing = new Drawing(side, w + top + bottom);
  const values = rows.flatMap((row) => [row.a, row.b]);
  const low = Math.max(0, Math.min(...values) - 0.03), high = Math.min(1, Math.max(...values) + 0.03);
  const x = (value) => left + ((value - low) / (high - low)) * w;
  const y = (value) => top + w - ((value - low) / (high - low)) * w;
  for (const at of ticks(100 * low, 100 * high)) {
    drawing.line(x(at / 100), top, x(at / 100), top + w);
    drawing.line(left, y(at / 100), left + w, y(at / 100));
    drawing.text(x(at / 100), top + w + 15, at, { anchor: "middle", fill: "muted" });
    drawing.text(left - 7, y(at / 100) + 4, at, { anchor: "end", fill: "muted" });
  }
  drawing.line(x(low), y(low), x(high), y(high), { stroke: "muted" });
  for (const row of rows) {
    drawing.circle(x(row.b), y(row.a), 4.5, {
      fill: colourOf(row.lead), opacity: 0.8, to: row.name,
      tip: `${row.name}\n${first} ${percent(row.a)}\n${second} ${percent(row.b)}`,
    });
  }
  drawing.text(left + w / 2, top + w + 33, labels[1], { anchor: "middle" });
  drawing.text(13, top + w / 2, labels[0], { anchor: "middle", turn: -90 });
  return drawing;
}

function differences(rows, first, second, room) {
  const size = 9.5, step = 12.5, label = Math.max(...rows.map((row) => textWidth(row.name, size))) + 6;
  const width = Math.min(520, room), w = width - label - 14, top = 18;
  const drawing = new Drawing(width, top + rows.length * step + 34);
  const most = Math.max(...rows.map((row) => Math.abs(row.lead)), 0.001);
  const low = -100 * Math.max(0, ...rows.map((row) => -row.lead)), high = 100 * Math.max(0, ...rows.map((row) => row.lead));
  const x = (value) => label + 4 + ((value - low) / (high - low || 1)) * w;
  const bottom = top + rows.length * step;
  for (const at of ticks(low, high || most)) {
    drawing.line(x(at), top - 4, x(at), bottom);
    drawing.text(x(at), bottom + 13, signed(at / 100, 0).replace("+0", "0"), { anchor: "middle", fill: "muted", size: 10 });
  }
  rows.forEach((row, i) => {
    const y = top + i * step, to = x(100 * row.lead), from = x(0);
    const style = { to: row.name, tip: `${row.name}\n${signed(row.lead)} points\n${first} ${percent(row.a)}\n${second} ${percent(row.b)}` };
    drawing.text(label, y + 9, row.name, { anchor: "end", size, ...style });
    drawing.rect(Math.min(from, to) - (row.lead ? 0 : 1), y + 2, Math.max(Math.abs(to - from), 2), step - 4, { fill: colourOf(row.lead), ...style });
  });
  drawing.text(x(0), bottom + 28, `${first} − ${second}, points of accuracy`, { anchor: x(0) > width / 2 ? "end" : "start", size: 10 });
  return drawing;
}

function panels(items, room, { least, height, title }, draw) {
  const gap = 14, columns = Math.max(1, Math.min(items.length, Math.floor((Math.min(room, 1060) + gap) / (least + gap))));
  const w = Math.min((Math.min(room, 1060) - gap * (columns - 1)) / columns, 1.6 * least);
  const rows = Math.ceil(items.length / columns), step = height + 24;
  const drawing = new Drawing(columns * (w + gap) - gap, rows * step + 4);
  items.forEach((item, i) => {
    const x = (i % columns) * (w + gap), y = Math.floor(i / columns) * step + 16;
    drawing.text(x, y - 4, title(item), { size: 10 });
    drawing.line(x, y + height, x + w, y + height);
    draw(drawing, item, x, y, w);
  });
  return drawing;
}

// Panels of series, a strip a channel, one below another; `draw(curve, item)` gives each of its series to `curve(text, style)`
function seriesPanels(items, series, texts, room, { least, height, title }, draw) {
  const several = series.scales.length > 1, gap = several ? 5 : 0, strip = several ? Math.max(height / 3, 28) : height;
  const steps = (text) => text.length / 2 / series.scales.length, longest = Math.max(2, ...texts.map(steps));
  const options = { least, height: series.scales.length * (strip + gap) - gap, title };
  return panels(items, room, options, (drawing, item, x, y, w) => {
    const left = several ? 14 : 0;
    const curve = (text, style) => {
      const values = numbers(text, 2), T = steps(text);
      series.scales.forEach((_, channel) => {
        const bottom = y + channel * (strip + gap) + strip;
        const points = values.slice(channel * T, (channel + 1) * T);
        drawing.path(points.map((value, i) => [x + left + (i / (longest - 1)) * (w - left), bottom - (value / 4095) * strip]), { stroke: "ink", ...style });
      });
    };
    if (several) {
      series.scales.forEach((_, channel) => {
        const top = y + channel * (strip + gap);
        if (channel) drawing.line(x, top - gap / 2, x + w, top - gap / 2);
        drawing.text(x, top + strip / 2 + 3, channel + 1, { size: 8, fill: "muted" });
      });
    }
    draw(curve, item);
  });
}

// How series are drawn, in words: on which scale, and which channels
function scaleOf({ channels, scales }) {
  const range = ([low, high]) => `${short(low)} to ${short(high)}`;
  if (channels === 1) return `on one scale from ${range(scales[0])}`;
  const shown = channels > scales.length ? `the first ${scales.length} of ${channels} channels` : `their ${channels} channels`;
  return `${shown} one below another, each on a scale of its own: ${scales.map((scale, i) => `${i + 1} from ${range(scale)}`).join(", ")}`;
}

function seriesByClass({ series }, room) {
  const many = series.classes.length > 12;
  const options = { least: many ? 120 : 220, height: many ? 62 : 110, title: (one) => `${one.label} (${one.n})` };
  const texts = series.classes.flatMap((one) => one.series);
  return seriesPanels(series.classes, series, texts, room, options, (curve, one) => {
    for (const text of one.series) curve(text, { stroke: "muted", width: 0.7, opacity: 0.55 });
    if (one.mean) curve(one.mean, { stroke: "c0", width: 1.4 });
  });
}

function wrongCases(data, method) {
  const truth = numbers(data.truth, data.width), runs = data.runs[method].map((text) => numbers(text, data.width));
  const found = [];
  truth.forEach((label, i) => {
    const run = runs.find((run) => run[i] !== label);
    if (run) found.push({ i, label: data.classes[label], guess: data.classes[run[i]] });
  });
  return found;
}

function misclassified(data, cases, room) {
  const { series } = data;
  const shown = cases.filter(({ i }) => i in series.test).slice(0, study.misclassified);
  const options = { least: 220, height: 110, title: ({ i, label, guess }) => `case ${i}: ${label}, predicted ${guess}` };
  return seriesPanels(shown, series, shown.map(({ i }) => series.test[i]), room, options, (curve, { i, label, guess }) => {
    for (const [name, stroke] of [[label, "c0"], [guess, "c1"]]) {
      const mean = series.classes.find((one) => one.label === name)?.mean;
      if (mean) curve(mean, { stroke, width: 1.1, opacity: 0.8 });
    }
    curve(series.test[i], { width: 1.1 });
  });
}

function confusion(data, method, room) {
  const k = data.classes.length, counts = data.classes.map(() => new Array(k).fill(0));
  const truth = numbers(data.truth, data.width);
  for (const text of data.runs[method]) numbers(text, data.width).forEach((guess, i) => counts[truth[i]][guess]++);
  const size = k > 15 ? 8 : 11, label = Math.max(...data.classes.map((name) => textWidth(name, size)));
  const left = label + 28, top = 24, cell = Math.max(6, Math.min(k > 15 ? 14 : 44, (Math.min(room, 620) - left) / k));
  const drawing = new Drawing(Math.max(left + k * cell + 4, 190), top + k * cell + label + 16);
  drawing.text(left, 12, `predicted ${method}`, { size: 10, fill: "muted" });
  drawing.text(11, top + (k * cell) / 2, "label", { size: 10, fill: "muted", turn: -90, anchor: "middle" });
  counts.forEach((row, i) => {
    const sum = row.reduce((a, b) => a + b, 0), y = top + i * cell;
    if (cell >= size - 1) {
      drawing.text(left - 6, y + cell / 2 + size / 3, data.classes[i], { anchor: "end", size });
      drawing.text(left + i * cell + cell / 2 + size / 3, top + k * cell + 6, data.classes[i], { size, turn: -90, anchor: "end" });
    }
    row.forEach((n, j) => {
      if (!n && k > 15) return;
      const share = sum ? n / sum : 0;
      const tip = `label ${data.classes[i]}, predicted ${data.classes[j]}\n${n} of ${sum}`;
      drawing.rect(left + j * cell, y, cell, cell, { fill: n ? ramp(share) : "paper", stroke: "line", width: 0.5, tip });
      if (k <= 15 && n) {
        const fill = share > 0.55 ? "#1c1c1a" : "#ffffff";
        drawing.text(left + (j + 0.5) * cell, y + cell / 2 + 4, n, { anchor: "middle", fill, size: cell < 24 ? 8 : 11 });
      }
    });
  });
  drawing.path([[left, top], [left + k * cell, top], [left + k * cell, top + k * cell], [left, top + k * cell]], { stroke: "muted", width: 0.7, close: true });
  return drawing;
}

// The best score over all settings of each pair of values of two axes: of those that were computed, and of the bounds of the others
function project(axes, scores, first, second) {
  const best = axes[first][1].map(() => axes[second][1].map(() => ({ exact: -1, bound: -1 })));
  const strides = axes.map((_, i) => axes.slice(i + 1).reduce((product, [, values]) => product * values.length, 1));
  scores.forEach((code, at) => {
    if (!code) return;
    const index = (axis) => Math.floor(at / strides[axis]) % axes[axis][1].length;
    const cell = best[index(first)][index(second)], what = code % 2 ? "exact" : "bound";
    cell[what] = Math.max(cell[what], (code - 1) >> 1);
  });
  return best;
}

function heat(task, grid, first, second, room) {
  const axes = study.axes[grid.axes], [nameX, xs] = axes[first], [nameY, ys] = axes[second];
  const best = project(axes, numbers(grid.scores, grid.width), first, second);
  const known = best.flat().map(({ exact, bound }) => Math.max(exact, bound)).filter((value) => value >= 0);
  const low = Math.min(...known), high = Math.max(...known);
  const left = Math.max(...ys.map((value) => textWidth(short(value), 10))) + 30, bottom = Math.max(...xs.map((value) => textWidth(short(value), 10))) + 30;
  const cell = Math.max(14, Math.min(34, (Math.min(room, 620) - left - 4) / xs.length)), tall = Math.min(cell, 24), top = 6;
  const legend = 46, height = top + ys.length * tall + bottom;
  const drawing = new Drawing(Math.max(left + xs.length * cell + 4, 260), height + legend);
  xs.forEach((value, i) => {
    const x = left + (i + 0.5) * cell;
    drawing.text(x + 3.5, top + ys.length * tall + 6, short(value), { size: 10, anchor: "end", turn: -90, fill: "muted" });
    ys.forEach((other, j) => {
      const { exact, bound } = best[i][j], value_ = Math.max(exact, bound), y = top + (ys.length - 1 - j) * tall;
      const score = value_ < 0 ? "no score" : `${bound > exact ? "at most " : ""}${value_} of ${task.n} right, ${percent(value_ / task.n, 1)}`;
      drawing.rect(left + i * cell, y, cell, tall, {
        fill: value_ < 0 ? "paper" : ramp(high > low ? (value_ - low) / (high - low) : 1), stroke: "paper", width: 0.5,
        tip: `${word(nameX)} = ${short(value)}, ${word(nameY)} = ${short(other)}\n${score}`,
      });
      if (bound > exact) drawing.circle(x, y + tall / 2, 1.4, { fill: value_ > (low + high) / 2 ? "#1c1c1a" : "#ffffff" });
      if (equal(task.selected[nameX], value) && equal(task.selected[nameY], other)) {
        drawing.rect(left + i * cell + 1.5, y + 1.5, cell - 3, tall - 3, { stroke: "c1", width: 2.5 });
      }
    });
  });
  ys.forEach((value, j) => drawing.text(left - 6, top + (ys.length - 0.5 - j) * tall + 3.5, short(value), { size: 10, anchor: "end", fill: "muted" }));
  drawing.text(left + (xs.length * cell) / 2, height - 8, word(nameX), { anchor: "middle" });
  drawing.text(12, top + (ys.length * tall) / 2, word(nameY), { anchor: "middle", turn: -90 });
  const steps = 24, long = 150;
  for (let i = 0; i < steps; i++) drawing.rect(left + (i * long) / steps, height + 8, long / steps + 0.5, 9, { fill: ramp(i / (steps - 1)) });
  drawing.text(left, height + 30, percent(low / task.n, 1), { size: 10, fill: "muted" });
  drawing.text(left + long, height + 30, percent(high / task.n, 1), { size: 10, anchor: "end", fill: "muted" });
  return drawing;
}

// ---- Two methods

function accuracyOf(name, method) {
  return study.datasets[name]?.tasks[method]?.test;
}

function options(select, values, chosen, label = (value) => value) {
  select.replaceChildren(...values.map((value) => new Option(label(value), value, false, String(value) === String(chosen))));
}

function compare() {
  const first = byId("first").value, second = byId("second").value;
  const rows = Object.keys(study.datasets)
    .map((name) => ({ name, a: accuracyOf(name, first), b: accuracyOf(name, second) }))
    .filter((row) => row.a !== undefined && row.b !== undefined)
    .map((row) => ({ ...row, lead: +(row.a - row.b).toFixed(12) }))
    .sort((a, b) => b.lead - a.lead || (a.name < b.name ? -1 : 1));
  let text;
  const pair = study.pairs.find((row) => [row.method, row.other].includes(first) && [row.method, row.other].includes(second));
  if (first === second) text = "Choose two different methods.";
  else if (!rows.length) text = `${first} and ${second} have no dataset in common.`;
  else {
    const turned = pair.method !== first, sign = turned ? -1 : 1;
    const [won, lost] = turned ? [pair.losses, pair.wins] : [pair.wins, pair.losses];
    text = `${first} − ${second}: ${signed(sign * pair.lead)} points in the mean over ${pair.datasets} ${pair.datasets === 1 ? "dataset" : "datasets"}`;
    if (pair.low !== null) text += ` (95 % bootstrap interval ${signed(turned ? -pair.high : pair.low)} to ${signed(turned ? -pair.low : pair.high)})`;
    text += `; ${won} won, ${pair.ties} tied, ${lost} lost.`;
    if (pair.p !== null) text += ` Wilcoxon p = ${pair.p.toPrecision(2)}, corrected for all pairs (Holm) ${pair.p_holm.toPrecision(2)}.`;
    if (pair.ahead !== null) {
      const [ahead, behind] = turned ? [pair.behind, pair.ahead] : [pair.ahead, pair.behind];
      text += ` Bayesian signed-rank test: ${percent(ahead, 0)} that ${first} is ahead by more than ${100 * study.rope} point, ${percent(pair.within, 0)} that neither is, ${percent(behind, 0)} that ${second} is.`;
    }
  }
  byId("verdict").textContent = text;
  if (first === second || !rows.length) {
    for (const id of ["scatter", "differences"]) {
      byId(id).redraw = null;
      byId(id).replaceChildren();
    }
    return;
  }
  const name = `${first}_${second}`;
  show(byId("scatter"), (room) => scatter(rows, first, second, room), `${first} against ${second}, a point a dataset`,
    `A point a dataset: above the line ${first} is better, below it ${second}.`, `scatter_${name}`);
  show(byId("differences"), (room) => differences(rows, first, second, room), `Lead of ${first} over ${second} by dataset`,
    `The lead of ${first} over ${second}, dataset by dataset.`, `differences_${name}`);
}

if (byId("compare")) {
  const methods = study.methods.filter((method) => study.pairs.some((row) => row.method === method || row.other === method));
  options(byId("first"), methods, study.first[0]);
  options(byId("second"), methods, study.first[1]);
  byId("compare").addEventListener("change", compare);
  compare();
}

// ---- Cross-validation against test

function validate() {
  const method = byId("chosen").value;
  const rows = Object.entries(study.datasets)
    .map(([name, { tasks }]) => ({ name, a: tasks[method]?.test, b: tasks[method]?.cv }))
    .filter((row) => row.a !== undefined && row.b !== null)
    .map((row) => ({ ...row, lead: +(row.a - row.b).toFixed(12) }));
  if (!rows.length) {
    byId("gap").textContent = `${method} has no cross-validation accuracy on record.`;
    byId("validation").redraw = null;
    byId("validation").replaceChildren();
    return;
  }
  const mean = rows.reduce((sum, row) => sum + row.lead, 0) / rows.length, below = rows.filter((row) => row.lead < 0).length;
  byId("gap").textContent =
    `The test accuracy of ${method} is ${signed(mean)} points from the cross-validation accuracy of the chosen setting, in the mean; ` +
    `it is lower on ${below} of ${rows.length} ${rows.length === 1 ? "dataset" : "datasets"}.`;
  const labels = ["test accuracy (%)", "cross-validation accuracy of the chosen setting (%)"];
  show(byId("validation"), (room) => scatter(rows, "test", "cross-validation", room, labels), `${method}: test against cross-validation accuracy`,
    "A point a dataset: below the line cross-validation promised more than the test held.", `validation_${method}`);
}

if (byId("choice")) {
  const methods = study.methods.filter((method) => Object.values(study.datasets).some(({ tasks }) => method in tasks));
  options(byId("chosen"), methods, study.first[0]);
  byId("choice").addEventListener("change", validate);
  validate();
}

// ---- A dataset's section

function fill(details) {
  const canvas = details.querySelector(".canvas"), name = details.dataset.name;
  if (canvas.childElementCount) return;
  const data = study.datasets[name], methods = Object.keys(data.tasks);
  const add = (...elements) => canvas.append(...elements);
  add(make("h4", "Series by class"));
  if (data.series) {
    const figure = make("figure");
    add(figure);
    const mean = data.series.classes[0].mean ? ", and in colour the mean of the class" : "";
    show(figure, (room) => seriesByClass(data, room), `${name}: training series by class`,
      `The first ${study.of_a_class} training series of each class (in brackets: of how many)${mean}, as in the files, ${scaleOf(data.series)}.`,
      `${name}_series`);
  } else add(make("p", `Not shown: ${data.absent}.`));

  const select = make("select");
  options(select, methods, methods.reduce((best, method) => (data.tasks[method].test > data.tasks[best].test ? method : best)));
  const controls = make("form", make("label", ["Method ", select]), { class: "controls" });
  const part = make("div");
  add(make("h4", "One method"), controls, part);
  const draw = () => oneMethod(part, name, data, select.value);
  select.addEventListener("change", draw);
  controls.addEventListener("submit", (event) => event.preventDefault());
  draw();
}

function oneMethod(part, name, data, method) {
  const grid = data.grids[method], charts = make("div", "", { class: "charts" });
  part.replaceChildren();
  if (grid) {
    const axes = study.axes[grid.axes], order = axes.map((_, i) => i).filter((i) => axes[i][1].length > 1);
    const chosen = order.filter((i) => axes[i][0] !== "C").slice(0, 2);
    for (const i of order) if (chosen.length < 2 && !chosen.includes(i)) chosen.push(i);
    if (chosen.length === 2) {
      const [x, y] = chosen.map((i) => {
        const select = make("select");
        options(select, order, i, (axis) => word(axes[axis][0]));
        return select;
      });
      const figure = make("figure");
      const draw = () => {
        if (x.value === y.value) y.value = order.find((i) => String(i) !== x.value);
        show(figure, (room) => heat(data.tasks[method], grid, +x.value, +y.value, room), `${name}, ${method}: cross-validation accuracy over the grid`,
          "Cross-validation accuracy, the best over all other hyperparameters; framed: the chosen setting. A dot: at most this, for a setting that could not win was dropped (with scores=all none is).",
          `${name}_${method}_grid`);
      };
      for (const select of [x, y]) select.addEventListener("change", draw);
      part.append(make("form", [make("label", ["Grid: ", x]), make("label", ["by ", y])], { class: "controls" }));
      charts.append(figure);
      part.append(charts);
      draw();
    }
  }
  if (!charts.childElementCount) {
    part.append(make("p", `${method} has no grid of two hyperparameters to draw.`), charts);
  }
  if (!data.runs[method]) {
    part.append(make("p", `The predictions of ${method} are not on record.`));
    return;
  }
  const figure = make("figure"), runs = data.runs[method].length;
  charts.append(figure);
  show(figure, (room) => confusion(data, method, room), `${name}, ${method}: confusion matrix`,
    `Test cases by label and prediction${runs > 1 ? `, of ${runs} runs together` : ""}; the colour is the share of the label's cases.`, `${name}_${method}_confusion`);
  const cases = wrongCases(data, method);
  part.append(make("h4", `Misclassified by ${method}: ${cases.length} of ${numbers(data.truth, data.width).length} test cases${runs > 1 ? ", in at least one run" : ""}`));
  if (!cases.length) return;
  if (!data.series) part.append(make("p", `Not shown: ${data.absent}.`));
  else if (!cases.some(({ i }) => i in data.series.test)) part.append(make("p", "Their series are not in the data at hand."));
  else {
    const figure = make("figure");
    part.append(figure);
    const shown = Math.min(cases.length, study.misclassified);
    const means = data.series.classes[0].mean
      ? "In blue the mean of its class in the training set, in orange that of the class that was predicted."
      : "Series differ in length, and classes have no mean.";
    show(figure, (room) => misclassified(data, cases, room), `${name}: test series that ${method} got wrong`,
      `${cases.length > shown ? `The first ${shown}. ` : ""}${means}`,
      `${name}_${method}_misclassified`);
  }
}

for (const details of document.querySelectorAll("details.dataset")) {
  details.addEventListener("toggle", () => details.open && fill(details));
}

function follow() {
  const details = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (details?.matches?.("details.dataset")) {
    details.open = true;
    fill(details);
    details.scrollIntoView();
    details.querySelector("summary").focus({ preventScroll: true });
  }
}
addEventListener("hashchange", follow);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#dataset-']");
  if (link && location.hash === link.getAttribute("href")) follow(); // the same one again
});
follow();

// ---- The table of datasets

const table = byId("accuracies");
if (table) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const value = (row, i) => row.cells[i].dataset.value;

  heads.forEach((head, i) => head.querySelector("button").addEventListener("click", () => {
    const text = head.classList.contains("text"), was = head.getAttribute("aria-sort");
    const sign = was === "none" ? (text ? 1 : -1) : was === "ascending" ? -1 : 1;
    heads.forEach((other) => other.setAttribute("aria-sort", other === head ? (sign > 0 ? "ascending" : "descending") : "none"));
    const order = (a, b) => {
      const [x, y] = [value(a, i), value(b, i)];
      if (x === "" || y === "") return (x === "") - (y === ""); // what is not there comes last
      return sign * (text ? (x < y ? -1 : x > y ? 1 : 0) : x - y);
    };
    body.append(...[...body.rows].sort(order));
  }));

  const columns = heads.map((head) => head.querySelector("button").dataset.name);
  const kindColumn = columns.indexOf("kind");
  const filter = () => {
    const sought = byId("find").value.trim().toLowerCase(), kind = byId("kind")?.value, winner = byId("winner").value;
    let shown = 0;
    for (const row of body.rows) {
      const words = `${value(row, 0)} ${kindColumn < 0 ? "" : value(row, kindColumn)}`.toLowerCase();
      row.hidden = !words.includes(sought) || (kind && value(row, kindColumn) !== kind) || (winner && !row.dataset.best.split(" ").includes(winner));
      shown += !row.hidden;
    }
    byId("count").textContent = `${shown} of ${body.rows.length} datasets`;
  };
  for (const id of ["find", "kind", "winner"]) byId(id)?.addEventListener("input", filter);
  byId("find").form.addEventListener("submit", (event) => event.preventDefault());
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  byId("csv").addEventListener("click", () => {
    const rows = [...body.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map((cell) => cell.dataset.value));
    save([columns, ...rows].map((row) => row.map(quoted).join(",") + "\n").join(""), "text/csv", `${study.study}_per_dataset.csv`);
  });
  filter(); // a browser may keep what was typed before
}

// ---- The text at the pointer

const tip = byId("tip");
for (const group of document.querySelectorAll(".drawn [data-datasets]")) {
  const names = group.dataset.datasets.split(" ");
  group.querySelectorAll("use").forEach((point, i) => {
    const tasks = Object.entries(study.datasets[names[i]].tasks);
    point.dataset.tip = [names[i], ...tasks.map(([method, { test }]) => `${method} ${percent(test)}`)].join("\n");
    point.addEventListener("click", () => (location.hash = `#dataset-${names[i]}`));
  });
}

function showTip(target, x, y) {
  tip.textContent = target.dataset.tip;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 4))}px`;
  tip.style.top = `${y + 16 + height > innerHeight ? y - height - 10 : y + 16}px`;
}

let pointer = null;
function atPointer() {
  const target = pointer && document.elementFromPoint(pointer.x, pointer.y)?.closest("[data-tip]");
  if (target) showTip(target, pointer.x, pointer.y);
  else tip.hidden = true;
}
document.addEventListener("pointermove", ({ clientX, clientY }) => {
  pointer = { x: clientX, y: clientY };
  atPointer();
});
document.addEventListener("scroll", atPointer, true);
document.addEventListener("focusin", (event) => {
  const link = event.target.closest("svg a"), target = link && (link.dataset.tip ? link : link.querySelector("[data-tip]"));
  if (!target?.matches("a:focus-visible, a:focus-visible *")) return;
  pointer = null;
  const { right, bottom } = target.getBoundingClientRect();
  showTip(target, right - 10, bottom - 12);
});
document.addEventListener("focusout", () => (tip.hidden = true));
document.addEventListener("keydown", (event) => event.key === "Escape" && (tip.hidden = true));

document.fonts.add(new FontFace("Chart", bytes(study.font.file).buffer));
