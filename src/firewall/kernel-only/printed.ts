import type { Service } from '../../config/config.ts'
import { formatService, readService } from '../../config/service.ts'
import { PRINTED_BY } from './heading.ts'

/** The number of first lines of a file that are searched for the mark of Postern's files. */
const MARK_WITHIN_LINES = 5
const MARK = `${PRINTED_BY} kernel\` from `

/** A door of a printed ruleset. */
export interface PrintedDoor {
  /** The name, as `quote` writes it. */
  readonly quoted: string
  /** The ports, as in `tcp/22, tcp/80`. */
  readonly ports: string
  /** The times, as in `10 s`. */
  readonly openFor: string
  readonly within: string
  /** The knocks in their order. They are secret. */
  readonly knocks: string
}

/** The options and the config that a ruleset was printed with, as its heading has them. */
export interface Printed {
  /** The config's name, as `quote` writes it. */
  readonly config: string
  readonly doors: readonly PrintedDoor[]
  /** The ports that are open to everybody; `undefined` if somebody changed that line. */
  readonly allowed: readonly Service[] | undefined
  /** The heading's line on closed ports. */
  readonly closed: string
  /** The heading's line on scans. */
  readonly scan: string
  /** All lines but the one with the config's name. */
  readonly lines: readonly string[]
}

/** Returns true for a text that `postern firewall kernel` printed. */
export function isPrinted(text: string): boolean {
  return markIn(text) !== undefined
}

/** Reads a ruleset for either program. Returns `undefined` for a text that `postern firewall kernel` did not print. */
export function readPrinted(text: string): Printed | undefined {
  const mark = markIn(text)
  if (mark === undefined) return undefined
  const lines = text.split('\n').filter((line) => line !== mark)
  const comments = lines.filter((line) => line.startsWith('# '))
  const beginning = (...words: readonly string[]): string =>
    comments.find((line) => words.some((each) => line.startsWith(each))) ?? ''
  const everybody = '#   ports that are open to everybody: '
  return {
    config: /^(`.*`)\. The kernel alone/.exec(mark.slice(MARK.length))?.[1] ?? '',
    doors: comments.flatMap((line) => doorIn(line, lines) ?? []),
    allowed: allowedIn(beginning(everybody).slice(everybody.length)),
    closed: beginning('# Every port of this host is '),
    scan: beginning('# A source at ', '# There is no scan guard'),
    lines,
  }
}

function markIn(text: string): string | undefined {
  return text.split('\n', MARK_WITHIN_LINES).find((line) => line.startsWith(MARK))
}

function doorIn(comment: string, lines: readonly string[]): PrintedDoor | undefined {
  const match = /^# {3}(\S.*) for (\S+ s) after the knocks of door (`.*`), made within (\S+ s)$/.exec(comment)
  if (match === null) return undefined
  const [, ports = '', openFor = '', quoted = '', within = ''] = match
  return { quoted, ports, openFor, within, knocks: knocksOf(quoted, lines) }
}

/** Finds the knocks in the rules that move a source to the next stage. */
function knocksOf(quoted: string, lines: readonly string[]): string {
  const slug = lines
    .map((line) => /^\s*# (\w+): (door .*)$/.exec(line))
    .find((found) => found?.[2] === `door ${quoted}`)
  if (slug?.[1] === undefined) return ''
  const move = new RegExp(String.raw`\b(tcp|udp) (?:--)?dport (\d+)\b.*move(\d+)_${slug[1]}(?:_4)?$`)
  const knocks = lines.map((line) => move.exec(line)).filter((found) => found !== null)
  return knocks
    .toSorted((one, other) => Number(one[3]) - Number(other[3]))
    .map(([, protocol, port]) => `${protocol}/${port}`)
    .join()
}

/** Returns the ports of the heading's list; `undefined` unless the heading would write just this list. */
function allowedIn(list: string): readonly Service[] | undefined {
  if (list.startsWith('none; ')) return []
  const services = list.split(', ').flatMap((text) => readService(text) ?? [])
  return services.map(formatService).join(', ') === list ? services : undefined
}
