import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import { CONFIG, INTERFACES, JSON_OUTPUT } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { readSince } from '../../cli/since.ts'

const OPTIONS = {
  since: {
    value: 'TIME',
    read: readSince,
    help: 'an age (30m, 12h, 7d, 2w) or a date; default: 7d, and for a capture all of it',
  },
  html: { value: 'FILE', kind: 'file', help: 'write one page for a browser, that only its owner can read' },
  json: JSON_OUTPUT,
  log: {
    heading: 'where it reads (default: where the config logs to)',
    value: 'FILE',
    kind: 'file',
    many: true,
    help: 'a log file or a system log, with its rotated files; - is standard input; may be repeated',
  },
  journal: { help: 'the journal' },
  daemon: { help: 'the memory of the running knockd' },
  capture: { value: 'FILE', kind: 'file', help: 'a pcap or pcapng file, as in postern replay' },
  config: { ...CONFIG, heading: '' },
  interface: INTERFACES,
} as const satisfies Options

/** The arguments of `postern report`. */
export type ReportArguments = Values<typeof OPTIONS>

/** `postern report` */
export const REPORT = command({
  name: 'postern report',
  summary: 'show who came, who failed and who scanned in a time',
  about: `Shows the openings by door and user, knocks that failed and why, port scans by
network, when each user last came, doors that nobody used, and lists of
one-time sequences that run low. Changes nothing.`,
  options: OPTIONS,
  operands: { text: '' },
  exits: { 0: 'all of the log was read', 1: 'not all of it', 78: 'the config is needed, and cannot be used' },
  examples: `  postern report --since 24h
  postern report --html report.html
  postern report --since 2026-11-01 --log /var/log/knockd.log`,
  read: (values, words): ReportArguments => {
    if (words.length > 0) throw new UsageError('report takes no operand', 'name a log: --log FILE')
    const { log, journal, daemon, capture } = values
    if ([log.length > 0, journal, daemon, capture !== undefined].filter(Boolean).length > 1) {
      throw new UsageError('--log, --journal, --daemon and --capture: only one of them', 'they have the same events')
    }
    if (values.html === '-' && values.json) throw new UsageError('--html - and --json: only one of them')
    return values
  },
  run: async () => (await import('./report.ts')).report,
})
