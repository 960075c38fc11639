// Draws what a terminal shows as an SVG: text stays text, light and dark as the reader has it, and nothing is loaded.
//   some command | node script/terminal-picture.mjs COMMAND DESCRIPTION >picture.svg
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Sizes in pixels. A monospaced letter is 0.6 em wide in most fonts; `textLength` makes it so in the others. */
const FONT = 14
const LETTER = 8.4
const LINE = 20
const MARGIN = 18

const STYLE = `
text { font: ${FONT}px monospace; fill: #1f2328; white-space: pre }
rect { fill: #f6f8fa; stroke: #d1d9e0 }
.bold { font-weight: bold }
.green { fill: #116329 }
.red { fill: #a40e26 }
.prompt { fill: #59636e }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  rect { fill: #151b23; stroke: #3d444d }
  .green { fill: #56d364 }
  .red { fill: #ff7b72 }
  .prompt { fill: #9198a1 }
}
`

/** The classes that numbers of SGR switch on (ECMA-48, 8.3.117). 0 switches all off. */
const CLASSES = new Map([
  [1, 'bold'],
  [31, 'red'],
  [32, 'green'],
])

/**
 * Returns the spans of a line of output, each with its classes.
 *
 * @param {string} line with sequences of SGR
 * @throws {Error} for another control sequence
 */
function spansOf(line) {
  /** @type {string[]} */
  let classes = []
  // oxlint-disable-next-line no-control-regex
  return line.split(/(\u001B\[[\d;]*m)/).flatMap((part) => {
    // oxlint-disable-next-line no-control-regex
    const numbers = /^\u001B\[([\d;]*)m$/.exec(part)?.[1]
    if (numbers === undefined) {
      // oxlint-disable-next-line no-control-regex
      if (/[\0-\u001F\u007F]/.test(part)) throw new Error(`control characters in: ${JSON.stringify(part)}`)
      return part === '' ? [] : [{ text: part, classes }]
    }
    for (const number of numbers.split(';').map(Number)) {
      const name = CLASSES.get(number)
      classes = name === undefined ? [] : [...classes, name]
    }
    return []
  })
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/**
 * Returns the picture of a command and its output.
 *
 * @param {string} output with colours by SGR
 * @param {string} command as it was typed
 * @param {string} description for those who cannot see it
 */
export function terminalPicture(output, command, description) {
  const prompt = [
    { text: '$ ', classes: ['prompt'] },
    { text: command, classes: ['bold'] },
  ]
  const shown = output.replaceAll('\r\n', '\n').trimEnd().split('\n').map(spansOf)
  const lines = [prompt, ...shown]
  const lengths = lines.map((spans) => spans.reduce((sum, { text }) => sum + text.length, 0))
  const width = Math.ceil(Math.max(...lengths) * LETTER) + 2 * MARGIN
  const height = lines.length * LINE + 2 * MARGIN
  const texts = lines.flatMap((spans, index) => {
    if (lengths[index] === 0) return []
    const words = spans.map(({ text, classes }) =>
      classes.length === 0 ? escaped(text) : `<tspan class="${classes.join(' ')}">${escaped(text)}</tspan>`,
    )
    const place = `x="${MARGIN}" y="${MARGIN + index * LINE + FONT}" textLength="${(lengths[index] * LETTER).toFixed(1)}"`
    return [`<text xml:space="preserve" ${place}>${words.join('')}</text>`]
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(description)}</title>
<style>${STYLE}</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${texts.join('\n')}
</svg>
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , command = '', description = ''] = process.argv
  process.stdout.write(terminalPicture(readFileSync(0, 'utf8'), command, description))
}
