/** The labels of a sample, and its value. */
export interface Sample {
  /** Added to the name of the family: `_bucket`, `_count`, `_sum`. */
  readonly suffix?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * A family of metrics. The name of a `total` ends with `_total`; the others do not.
 */
export interface Family {
  readonly name: string
  readonly type: 'total' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

/**
 * Formats families as text that is valid in OpenMetrics 1.0 and in Prometheus' text format 0.0.4, which node_exporter
 * reads. The two name a counter's family differently, without and with `_total`. So totals have no TYPE line: without
 * one, the name of the family is that of its samples in both.
 */
export function exposition(families: readonly Family[]): string {
  const lines = families.flatMap(({ name, type, help, samples }) => [
    ...(type === 'total' ? [] : [`# TYPE ${name} ${type}`]),
    `# HELP ${name} ${escaped(help)}`,
    ...samples.map((sample) => sampleLine(name, sample)),
  ])
  return `${[...lines, '# EOF'].join('\n')}\n`
}

/** Returns the samples of a histogram. @param counts how many values are within each bound, and beyond the last one */
export function histogram(bounds: readonly number[], counts: readonly number[], sum: number): readonly Sample[] {
  let total = 0
  const buckets = [...bounds, Infinity].map((bound, index): Sample => {
    total += counts[index] ?? 0
    return { suffix: '_bucket', labels: { le: boundText(bound) }, value: total }
  })
  return [...buckets, { suffix: '_count', value: total }, { suffix: '_sum', value: sum }]
}

function sampleLine(name: string, { suffix = '', labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
}

/** Formats a bound as OpenMetrics wants it: `1.0`, `+Inf`. */
function boundText(bound: number): string {
  if (bound === Infinity) return '+Inf'
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

/** Escapes a text for a label or a help line. A door's name may have any character of its line. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
