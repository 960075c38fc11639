import { createRequire } from 'node:module'
import type koffi from 'koffi'

/** The system codes of Node.js for a package that is absent, and for `--no-addons`. */
const ABSENT: ReadonlySet<string> = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'])
const ADDONS_DISABLED = 'ERR_DLOPEN_DISABLED'

const NAME = 'koffi, the native part of Postern,'

/** The package koffi cannot be loaded. It is an optional dependency: what needs no native code runs without. */
export class NativeCodeError extends Error {
  readonly hint: string

  /** @param cause the error that loading koffi threw */
  constructor(cause: unknown) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    const [reason = ''] = message.split('\n')
    const [fault, hint] = ABSENT.has(code)
      ? ['is not installed', 'install Postern again, without --omit=optional']
      : code === ADDONS_DISABLED
        ? ['cannot be loaded: Node.js runs with --no-addons', 'leave that out of the command, and of NODE_OPTIONS']
        : [`cannot be loaded: ${reason}`, 'install Postern again on this machine, without --omit=optional']
    super(`${NAME} ${fault}`, { cause })
    this.name = 'NativeCodeError'
    this.hint = hint
  }
}

/** Loads koffi now, not with this file. @throws NativeCodeError */
export function loadKoffi(): typeof koffi {
  try {
    return createRequire(import.meta.url)('koffi') as typeof koffi
  } catch (error) {
    throw new NativeCodeError(error)
  }
}
