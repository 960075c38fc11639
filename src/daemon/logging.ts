import { lookupService } from 'node:dns/promises'
import { existsSync } from 'node:fs'
import type { Options } from '../config/config.ts'
import { UnixDatagrams, openSyslog, writeSyslog } from '../native/libc.ts'
import type { Arguments } from './arguments.ts'
import { Log } from '../log/log.ts'
import type { LogSettings } from '../log/log.ts'
import { SystemLog } from '../log/system-log.ts'

/** The name in the system log. It is knockd's, because log filters look for it. */
const IDENTITY = 'knockd'

/** Returns the log settings of the command line and the config. LogFile overrides `-g`, as in knockd. */
export function logSettings(args: Arguments, options: Options): LogSettings {
  return {
    format: options.logFormat,
    file: options.logFile ?? args.logFile,
    syslog: options.useSyslog,
    journalFields: options.journalFields,
    verbose: args.verbose && !args.daemon,
    debug: args.debug,
    lookup: args.lookup,
  }
}

/**
 * Opens the daemon's log.
 *
 * @param happened called after each event that is logged
 * @throws the system's error if its file cannot be opened
 */
export async function openLog(settings: LogSettings, happened: () => void): Promise<Log> {
  const system = openSystemLog()
  const log = new Log(settings, {
    now: () => Date.now(),
    happened,
    stdout: process.stdout,
    stderr: process.stderr,
    syslog: async (...line) => await system.write(...line),
    async lookup(address) {
      const { hostname } = await lookupService(address, 0)
      return hostname === address ? undefined : hostname
    },
  })
  await log.openFile()
  return log
}

/** Returns the system log, which opens what it needs at its first line. */
function openSystemLog(): SystemLog {
  let socket: UnixDatagrams | undefined
  // A look connects its socket, which then gets no messages from others.
  let looking: UnixDatagrams | undefined
  let syslogOpen = false
  return new SystemLog({
    identity: IDENTITY,
    now: () => performance.now(),
    exists: existsSync,
    isServed: (path) => (looking ??= new UnixDatagrams()).isServed(path),
    send: (path, bytes) => (socket ??= new UnixDatagrams()).send(path, bytes, false),
    async syslog(priority, text) {
      if (!syslogOpen) openSyslog(IDENTITY)
      syslogOpen = true
      await writeSyslog(priority, text)
    },
    sleep: async (ms) => await new Promise((resolve) => void setTimeout(resolve, ms).unref()),
  })
}
