import { Failure } from '../cli/fault.ts'
import type { Config } from '../config/config.ts'
import { ConfigError, loadConfig } from '../daemon/config-file.ts'
import { shareWithUser } from '../file/owner.ts'

/** Reads a config as the daemon does. @throws Failure with its errors */
export function configOf(file: string): Config {
  try {
    const { config } = loadConfig(file)
    shareWithUser(config.options)
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new Failure(error.message, `postern check ${file} shows all of it`, error)
  }
}
