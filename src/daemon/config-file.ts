import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { CONFIG_MAX_BYTES } from '../config/config.ts'
import { formatFault } from '../config/fault.ts'
import { readConfig } from '../config/read.ts'

/** A config that cannot be used; the message is every fault, a line each. */
export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigError'
  }
}

/** A config, and what there is to be warned of, each as `file:line:column: …`. */
export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly string[]
}

/** Reads and checks a config file. @throws ConfigError */
export function loadConfig(file: string): LoadedConfig {
  const { config, faults } = readConfig(readText(file), file)
  if (config === undefined) {
    const errors = faults.filter(({ severity }) => severity === 'error')
    throw new ConfigError(errors.map((fault) => formatFault(file, fault)).join('\n'))
  }
  return { config, warnings: faults.map((fault) => formatFault(file, fault)) }
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file)
    if (bytes.length > CONFIG_MAX_BYTES) throw new Error(`larger than ${CONFIG_MAX_BYTES} bytes`)
    return bytes.toString('utf8')
  } catch (cause) {
    throw new ConfigError(`${file}: ${reasonOf(cause)}`, { cause })
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'no such file'
  if (code === 'EACCES') return 'permission denied'
  return message
}
