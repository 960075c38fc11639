import { SCAN_IGNORE_DEFAULT_MS, SCAN_PORTS_DEFAULT } from './config.ts'
import type { Options } from './config.ts'
import { OPTION_DIRECTIVES } from './directive.ts'
import type { FaultList } from './fault.ts'
import type { Section } from './section.ts'
import { settle } from './table.ts'

/** What the config says where it has no `[options]`. */
export const OPTIONS_DEFAULT: Options = {
  useSyslog: false,
  logFile: undefined,
  logFormat: 'knockd',
  pidFile: undefined,
  interfaces: [],
  stateDir: undefined,
  scanPorts: SCAN_PORTS_DEFAULT,
  scanIgnoreMs: SCAN_IGNORE_DEFAULT_MS,
  startHook: undefined,
  stopHook: undefined,
}

/** Reads the section `[options]`. It is good only if `faults` got no error. */
export function readOptions(section: Section, faults: FaultList): Options {
  const { values } = settle(OPTION_DIRECTIVES, section, faults)
  return {
    useSyslog: values.useSyslog ?? OPTIONS_DEFAULT.useSyslog,
    logFile: values.logFile,
    logFormat: values.logFormat ?? OPTIONS_DEFAULT.logFormat,
    pidFile: values.pidFile,
    interfaces: values.interfaces ?? OPTIONS_DEFAULT.interfaces,
    stateDir: values.stateDir,
    scanPorts: values.scanPorts ?? OPTIONS_DEFAULT.scanPorts,
    scanIgnoreMs: values.scanIgnore ?? OPTIONS_DEFAULT.scanIgnoreMs,
    startHook: values.startHook,
    stopHook: values.stopHook,
  }
}
