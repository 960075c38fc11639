import type { Config } from '../config/config.ts'
import { CONFIG_MAX_BYTES } from '../config/config.ts'
import { formatFault } from '../text/fault.ts'
import { checkConfig } from '../lint/lint.ts'
import { CLASSIC } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'

/** An invalid config. Its message lists every error, one a line. */
export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigError'
  }
}

/** A config and its warnings, each as `file:line:column: …`. */
export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly string[]
}

/** Reads and checks a config file. @throws ConfigError if it is invalid */
export function loadConfig(file: string): LoadedConfig {
  const { config, faults } = checkConfig(readText(file), file)
  if (config === undefined) {
    const errors = faults.filter(({ severity }) => severity === 'error')
    throw new ConfigError(errors.map((fault) => formatFault(file, fault)).join('\n'))
  }
  return { config, warnings: faults.map((fault) => formatFault(file, fault)) }
}

/** Refuses a config that others can write, because its commands run as root. Others may read it. */
function readText(file: string): string {
  try {
    return readPrivateText(file, CONFIG_MAX_BYTES, CLASSIC)
  } catch (cause) {
    throw new ConfigError((cause as Error).message.replace('\n', '\n  '), { cause })
  }
}
