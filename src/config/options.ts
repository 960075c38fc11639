import { SCAN_IGNORE_DEFAULT_MS, SCAN_PORTS_DEFAULT, SPA_KEY_FILE_DEFAULT } from './config.ts'
import type { Options, Widths } from './config.ts'
import { OPTIONS } from './directive.ts'
import type { OptionEntries } from './directive.ts'
import type { FaultList } from '../text/fault.ts'
import { WIDEN_LIMIT_DEFAULT } from './networks.ts'
import type { Section } from '../text/section.ts'

/** The options of a config without `[options]`. */
export const OPTIONS_DEFAULT: Options = {
  useSyslog: false,
  logFile: undefined,
  logFormat: 'knockd',
  pidFile: undefined,
  interfaces: [],
  stateDir: undefined,
  scanPorts: SCAN_PORTS_DEFAULT,
  scanIgnoreMs: SCAN_IGNORE_DEFAULT_MS,
  guard: [],
  hideWith: 'match',
  alwaysAllow: [],
  spaKeyFile: SPA_KEY_FILE_DEFAULT,
  controlGroup: undefined,
  user: undefined,
  startHook: undefined,
  stopHook: undefined,
  hooksAsRoot: false,
  fleet: undefined,
}

/** The section `[options]` as read, and the limit of Widen. */
export interface OptionsRead {
  /** The places of the directives, by their names in the code. */
  readonly entries: OptionEntries
  readonly options: Options
  readonly widenLimit: Widths
}

/** Reads the section `[options]`. The result is usable only if `faults` got no error. */
export function readOptions(section: Section, faults: FaultList): OptionsRead {
  const { values, entries } = OPTIONS.settle(section, faults)
  const { widenLimit = WIDEN_LIMIT_DEFAULT, scanIgnore: scanIgnoreMs = SCAN_IGNORE_DEFAULT_MS, ...more } = values
  const { hooksAsRoot, ...named } = more
  const options = { ...OPTIONS_DEFAULT, ...named, scanIgnoreMs, hooksAsRoot: hooksAsRoot === 'yes' }
  return { entries, options, widenLimit }
}
