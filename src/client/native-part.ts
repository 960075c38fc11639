import { NativeCodeError } from '../native/native-code.ts'
import { ClientError } from './fault.ts'

/**
 * Loads one of the few parts of the client with native code.
 *
 * @param load imports it
 * @param task the task that it is for, as in `send pings`
 * @param hint what the user can do instead
 * @throws ClientError if koffi cannot be loaded
 */
export async function loadNative<T>(load: () => Promise<T>, task: string, hint: string): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!(error instanceof NativeCodeError)) throw error
    throw new ClientError(`cannot ${task}: ${error.message}`, hint, error)
  }
}

const NAMES: Partial<Record<NodeJS.Platform, string>> = { win32: 'Windows', darwin: 'macOS', android: 'Android' }

/** Returns the name of a system for messages. */
export function systemName(os: NodeJS.Platform): string {
  return NAMES[os] ?? os
}
