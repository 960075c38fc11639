import { readFileSync, readdirSync } from 'node:fs'

/** A JSON Schema (2020-12), as far as doc/schema uses it: any other keyword is an error. */
export interface Schema {
  readonly [keyword: string]: unknown
}

const FOLDER = new URL('../../doc/schema/', import.meta.url)
const NOTES: ReadonlySet<string> = new Set(['$schema', '$defs', 'title', 'description'])
type Types = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'

/** The names of the published schemas. */
export const SCHEMAS: readonly string[] = readdirSync(FOLDER).map((file) => file.replace('.schema.json', ''))

/** Reads a published schema. */
export function schema(name: string): Schema {
  return JSON.parse(readFileSync(new URL(`${name}.schema.json`, FOLDER), 'utf8')) as Schema
}

/**
 * Returns what is wrong with a value, with its place; nothing if it is valid.
 *
 * @param used collects the properties that were seen, as `place/name`, for those that no sample has
 */
export function faultsOf(value: unknown, name: string, used: Set<string> = new Set()): readonly string[] {
  const root = schema(name)
  return check(value, root, { root, at: '$', seen: name, used })
}

interface Place {
  readonly root: Schema
  readonly at: string
  /** The place in the schema, for what is used of it. */
  readonly seen: string
  readonly used: Set<string>
}

function check(value: unknown, of: Schema, place: Place): readonly string[] {
  return Object.entries(of).flatMap(([keyword, rule]): readonly string[] => {
    if (NOTES.has(keyword)) return []
    const test = KEYWORDS[keyword]
    return test === undefined ? [`${place.at}: unknown keyword ${keyword}`] : test(value, rule, place, of)
  })
}

type Test = (value: unknown, rule: unknown, place: Place, of: Schema) => readonly string[]

const KEYWORDS: Readonly<Record<string, Test>> = {
  type: (value, rule, { at }) => (isType(value, rule as Types) ? [] : [`${at}: is no ${String(rule)}`]),
  const: (value, rule, { at }) => (value === rule ? [] : [`${at}: is not ${JSON.stringify(rule)}`]),
  enum: (value, rule, { at }) => ((rule as unknown[]).includes(value) ? [] : [`${at}: ${JSON.stringify(value)}`]),
  minimum: (value, rule, { at }) =>
    typeof value !== 'number' || value >= (rule as number) ? [] : [`${at}: too small`],
  pattern: (value, rule, { at }) =>
    typeof value !== 'string' || new RegExp(rule as string, 'u').test(value) ? [] : [`${at}: ${value}`],
  items: (value, rule, place) =>
    Array.isArray(value)
      ? value.flatMap((each, index) =>
          check(each, rule as Schema, { ...place, at: `${place.at}[${index}]`, seen: `${place.seen}[]` }),
        )
      : [],
  required: (value, rule, { at }) =>
    (rule as string[])
      .filter((name) => isObject(value) && !Object.hasOwn(value, name))
      .map((name) => `${at}: no ${name}`),
  properties(value, rule, place) {
    if (!isObject(value)) return []
    return Object.entries(rule as Record<string, Schema>).flatMap(([name, each]) => {
      if (!Object.hasOwn(value, name)) return []
      const inner = { ...place, at: `${place.at}.${name}`, seen: `${place.seen}.${name}` }
      place.used.add(inner.seen)
      return check(value[name], each, inner)
    })
  },
  additionalProperties(value, rule, place, { properties = {} }) {
    const others = isObject(value)
      ? Object.keys(value).filter((name) => !Object.hasOwn(properties as object, name))
      : []
    if (rule === false) return others.map((name) => `${place.at}: ${name} is not in the schema`)
    return others.flatMap((name) =>
      check((value as Record<string, unknown>)[name], rule as Schema, { ...place, at: `${place.at}.${name}` }),
    )
  },
  oneOf(value, rule, place) {
    const tries = (rule as Schema[]).map((each, index) => {
      const used = new Set<string>()
      return { used, faults: check(value, each, { ...place, seen: `${place.seen}|${index}`, used }) }
    })
    const [valid, second] = tries.filter(({ faults }) => faults.length === 0)
    if (valid !== undefined && second === undefined) {
      for (const each of valid.used) place.used.add(each)
      return []
    }
    const nearest = tries.toSorted((one, other) => one.faults.length - other.faults.length)[0]!
    return [`${place.at}: matches ${valid === undefined ? 'none' : 'several'} of oneOf`, ...nearest.faults]
  },
  $ref(value, rule, place) {
    const [file = '', name] = (rule as string).split('#/$defs/')
    const root = file === '' ? place.root : schema(file.replace('.schema.json', ''))
    const target = name === undefined ? root : ((root['$defs'] as Record<string, Schema>)[name] ?? {})
    return check(value, target, { ...place, root })
  },
}

/** Returns the places of all properties in a schema, as {@link faultsOf} collects them. */
export function propertiesOf(name: string): ReadonlySet<string> {
  const root = schema(name)
  const found = new Set<string>()
  walk(root, root, name, found)
  return found
}

function walk(of: Schema, root: Schema, seen: string, found: Set<string>): void {
  const { properties, items, oneOf, $ref, additionalProperties } = of
  for (const [name, each] of Object.entries((properties ?? {}) as Record<string, Schema>)) {
    found.add(`${seen}.${name}`)
    walk(each, root, `${seen}.${name}`, found)
  }
  if (items !== undefined) walk(items as Schema, root, `${seen}[]`, found)
  if (typeof additionalProperties === 'object') walk(additionalProperties as Schema, root, seen, found)
  for (const [index, each] of ((oneOf ?? []) as Schema[]).entries()) walk(each, root, `${seen}|${index}`, found)
  if (typeof $ref !== 'string') return
  const [file = '', name] = $ref.split('#/$defs/')
  // A line of the log is walked in its own schema.
  if (file === '') walk((root['$defs'] as Record<string, Schema>)[name!] ?? {}, root, seen, found)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isType(value: unknown, type: Types): boolean {
  if (type === 'object') return isObject(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}
