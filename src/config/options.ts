import { SCAN_IGNORE_DEFAULT_MS, SCAN_PORTS_DEFAULT, SPA_KEY_FILE_DEFAULT } from './config.ts'
import type { Options, Widths } from './config.ts'
import { OPTIONS } from './directive.ts'
import type { OptionEntries } from './directive.ts'
import type { FaultList } from '../text/fault.ts'
import { WIDEN_LIMIT_DEFAULT } from './networks.ts'
import { ON_EVENT_MAX } from './on-event.ts'
import type { Section } from '../text/section.ts'

/** The options of a config without `[options]`. */
export const OPTIONS_DEFAULT: Options = {
  useSyslog: false,
  logFile: undefined,
  journalFields: undefined,
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
  onEvent: [],
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
  const { onEvent } = entries
  if ((values.onEvent?.length ?? 0) > ON_EVENT_MAX) {
    const message = `more than ${ON_EVENT_MAX} lines with On_Event`
    faults.error(onEvent!.line, onEvent!.keyColumn, message, 'let one command take several events')
  }
  return { entries, options: { ...OPTIONS_DEFAULT, ...more, scanIgnoreMs }, widenLimit }
}
