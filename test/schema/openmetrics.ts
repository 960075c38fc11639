/** A sample of a text of metrics. */
export interface ParsedSample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** A family of metrics: its lines stand together. */
export interface ParsedFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly ParsedSample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = String.raw`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"`
const SAMPLE = new RegExp(
  String.raw`^(${NAME})(?:\{(${LABEL}(?:,${LABEL})*)\})? (\+Inf|-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)$`,
)
const TYPES = new Set('gauge counter histogram unknown stateset info summary gaugehistogram'.split(' '))
/** The endings of samples by the type of their family (OpenMetrics 1.0, "Suffixes"). */
const ENDINGS: Readonly<Record<string, readonly string[]>> = {
  gauge: [''],
  unknown: [''],
  counter: ['_total', '_created'],
  histogram: ['_bucket', '_count', '_sum', '_created'],
}
/** Endings that other types claim, so that a family of that name could clash. */
const CLAIMED = /_(?:bucket|count|sum|created|info)$/

/**
 * Reads OpenMetrics text as strictly as OpenMetrics 1.0 has it, without exemplars and timestamps.
 *
 * @throws Error with the line that is wrong
 */
export function parseOpenMetrics(text: string): readonly ParsedFamily[] {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('the text does not end with # EOF')
  const families: { name: string; type: string; help: string; samples: ParsedSample[] }[] = []
  const seen = new Set<string>()
  for (const line of lines) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`)
    }
    const [, keyword, name = '', rest = ''] = /^# (TYPE|HELP|UNIT) (\S+) (.*)$/.exec(line) ?? []
    let family = families.at(-1)
    if (keyword !== undefined) {
      if (!new RegExp(`^${NAME}$`).test(name)) fail('no name')
      if (family?.name !== name) {
        if (families.some((each) => each.name === name)) fail('the family is in two places')
        family = { name, type: 'unknown', help: '', samples: [] }
        families.push(family)
      }
      if (family.samples.length > 0) fail('a description after samples')
      if (keyword === 'TYPE' && !TYPES.has(rest)) fail('no type')
      if (keyword === 'TYPE') family.type = rest
      if (keyword === 'HELP') {
        if (/\\(?![\\n"])|\n/.test(rest) || rest === '') fail('no help')
        family.help = rest
      }
      continue
    }
    const match = SAMPLE.exec(line)
    if (match === null || family === undefined) return fail('no sample')
    const ending = match[1]!.slice(family.name.length)
    if (!match[1]!.startsWith(family.name) || !(ENDINGS[family.type] ?? []).includes(ending)) fail('another family')
    const labels = new Map<string, string>()
    for (const [, label = '', value = ''] of (match[2] ?? '').matchAll(new RegExp(LABEL, 'g'))) {
      if (labels.has(label)) fail('a label twice')
      labels.set(
        label,
        value.replaceAll(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one)),
      )
    }
    const id = `${match[1]} ${JSON.stringify([...labels].sort(([one], [other]) => (one < other ? -1 : 1)))}`
    if (seen.has(id)) fail('a sample twice')
    seen.add(id)
    family.samples.push({ name: match[1]!, labels, value: Number(match.at(-1)!.replace('+Inf', 'Infinity')) })
  }
  for (const family of families) checkFamily(family, families)
  return families
}

function checkFamily(family: ParsedFamily, all: readonly ParsedFamily[]): void {
  const { name, type, help, samples } = family
  const fail = (why: string): never => {
    throw new Error(`${name}: ${why}`)
  }
  if (help === '' || samples.length === 0) fail('no help, or no samples')
  if (CLAIMED.test(name) && !name.endsWith('_info')) fail('its ending belongs to another type')
  // promtool: a counter, and nothing else that has a type, ends with _total.
  if (name.endsWith('_total') !== (type === 'unknown'))
    fail('a total without the ending, or the ending without a total')
  for (const ending of ENDINGS[type] ?? []) {
    if (ending !== '' && all.some((other) => other.name === name + ending)) fail(`clashes with ${name}${ending}`)
  }
  if (samples.some(({ value }) => Number.isNaN(value) || (type !== 'gauge' && value < 0))) fail('no value')
  if (type !== 'histogram') return
  const buckets = samples.filter((sample) => sample.name.endsWith('_bucket'))
  const bounds = buckets.map(({ labels }) => labels.get('le') ?? '')
  if (bounds.some((bound) => !/^(?:[0-9]+\.[0-9]+|\+Inf)$/.test(bound)) || bounds.at(-1) !== '+Inf') fail('no bounds')
  const numbers = bounds.map((bound) => Number(bound.replace('+Inf', 'Infinity')))
  if (numbers.some((bound, index) => index > 0 && bound <= numbers[index - 1]!)) fail('bounds out of order')
  if (buckets.some(({ value }, index) => index > 0 && value < buckets[index - 1]!.value)) fail('buckets that fall')
  const count = samples.find((sample) => sample.name === `${name}_count`)
  if (count?.value !== buckets.at(-1)!.value) fail('its count is not that of its last bucket')
}
