// Owns the picture of the curves of cost: an SVG of lines over a logarithmic axis, readable in light and dark.

/** @typedef {{ readonly name: string, readonly points: readonly { readonly updates: number, readonly us: number }[] }} Curve */

const WIDTH = 720
const HEIGHT = 400
const LEFT = 60
const RIGHT = 130
const TOP = 44
const BOTTOM = 50
const PLOT_WIDTH = WIDTH - LEFT - RIGHT
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
const LABEL_HEIGHT = 16

/** Of equal weight on white and on black, and apart also to those who do not see all colours; dashes tell as well. */
const STROKES = [
  { color: '#2f81f7', dashes: '' },
  { color: '#d9730d', dashes: '7 4' },
  { color: '#1f9d78', dashes: '2 4' },
  { color: '#c2529d', dashes: '12 4 2 4' },
]

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-size: 15px; font-weight: 600 }
    .axis { stroke: #57606a; fill: none }
    .grid { stroke: #57606a; stroke-opacity: 0.25 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .axis, .grid { stroke: #9ea7b3 }
    }`

const escaped = text =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** 1, 2 or 5 times a power of ten: the least that parts `most` into at most five. */
const stepFor = most => {
  const power = 10 ** Math.floor(Math.log10(most / 5))
  return power * [1, 2, 5, 10].find(times => most / (power * times) <= 5)
}

const count = updates => (updates >= 1e6 ? `${updates / 1e6} M` : `${updates / 1e3} k`)

const digits = number => String(Number(number.toPrecision(3)))

/** Where the labels at the ends of lines stand, so that none covers another. */
const spread = ends => {
  const sorted = ends.toSorted((left, right) => left.y - right.y)
  let least = -Infinity
  for (const end of sorted) {
    end.y = Math.max(end.y, least)
    least = end.y + LABEL_HEIGHT
  }
  return sorted
}

/**
 * @param {readonly Curve[]} curves over the same sizes, at least two
 * @returns {string} an SVG document
 */
export const plot = curves => {
  const sizes = curves[0].points.map(({ updates }) => updates)
  const [least, most] = [Math.log10(sizes[0]), Math.log10(sizes.at(-1))]
  const step = stepFor(Math.max(...curves.flatMap(({ points }) => points.map(({ us }) => us))))
  const top = step * Math.ceil(Math.max(...curves.flatMap(({ points }) => points.map(({ us }) => us / step))))
  const x = updates => LEFT + ((Math.log10(updates) - least) / (most - least)) * PLOT_WIDTH
  const y = us => TOP + (1 - us / top) * PLOT_HEIGHT
  const at = number => number.toFixed(1)

  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step)
  const rows = ticks.map(
    us => `<line class="grid" x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${at(y(us))}" y2="${at(y(us))}"/>
  <text x="${LEFT - 8}" y="${at(y(us) + 4)}" text-anchor="end">${digits(us)}</text>`,
  )
  const columns = sizes.map(
    updates =>
      `<text x="${at(x(updates))}" y="${TOP + PLOT_HEIGHT + 20}" text-anchor="middle">${count(updates)}</text>`,
  )
  const lines = curves.map(({ name, points }, index) => {
    const { color, dashes } = STROKES[index % STROKES.length]
    const path = points.map(({ updates, us }) => `${at(x(updates))},${at(y(us))}`).join(' ')
    const dots = points.map(
      ({ updates, us }) =>
        `<circle cx="${at(x(updates))}" cy="${at(y(us))}" r="3.5" fill="${color}"><title>${escaped(name)}, ${count(updates)}: ${digits(us)} us</title></circle>`,
    )
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dashes}"/>
  ${dots.join('\n  ')}`
  })
  const labels = spread(curves.map(({ name, points }) => ({ name, y: y(points.at(-1).us) }))).map(
    end => `<text x="${LEFT + PLOT_WIDTH + 10}" y="${at(end.y + 4)}">${escaped(end.name)}</text>`,
  )
  const description = curves
    .map(
      ({ name, points }) =>
        `${name}: ${points.map(({ updates, us }) => `${digits(us)} at ${count(updates)}`).join(', ')}`,
    )
    .join('; ')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title description">
  <title id="title">Cost of an update by the number of updates</title>
  <desc id="description">Microseconds an update. ${escaped(description)}.</desc>
  <style>${STYLE}
  </style>
  <text class="title" x="${LEFT}" y="24">Cost of an update by the number of updates</text>
  ${rows.join('\n  ')}
  <polyline class="axis" points="${LEFT},${TOP} ${LEFT},${TOP + PLOT_HEIGHT} ${LEFT + PLOT_WIDTH},${TOP + PLOT_HEIGHT}"/>
  ${columns.join('\n  ')}
  <text x="${LEFT + PLOT_WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">updates (logarithmic)</text>
  <text x="16" y="${TOP + PLOT_HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 ${TOP + PLOT_HEIGHT / 2})">microseconds an update</text>
  ${lines.join('\n  ')}
  ${labels.join('\n  ')}
</svg>
`
}
