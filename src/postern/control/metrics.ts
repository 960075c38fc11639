import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { DONE, FAILED } from '../../cli/exit-code.ts'
import { failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { ControlError, ask, findSocket } from '../../control/client.ts'
import { cannot } from '../../file/file-error.ts'
import { NOT_UP } from '../../metrics/families.ts'
import type { StatusArguments } from './arguments.ts'

/** Everybody may read the file: node_exporter runs as a user of its own. */
const FILE_MODE = 0o644

/** Prints metrics, or replaces a file with them, and returns the exit code. A daemon that does not run is a metric. */
export async function metrics(asked: StatusArguments, output: Output): Promise<number> {
  const put = (text: string): void => (asked.to === undefined ? output.out(text) : replaceFile(asked.to, text))
  try {
    const reply = await ask(findSocket(asked.config, asked.interface.flat()), { command: 'metrics' })
    if ('metrics' in reply) {
      put(reply.metrics)
      return DONE
    }
    const { error, hint } = 'error' in reply ? reply : { error: 'no metrics', hint: 'restart knockd' }
    output.err(faultText('postern', error, hint))
    return FAILED
  } catch (error) {
    try {
      if (error instanceof ControlError && error.isDown) put(NOT_UP)
    } catch (unwritten) {
      return failed(unwritten, output)
    }
    return failed(error, output)
  }
}

/** Replaces a file in one step, so that no reader sees a part of it. @throws Error with the reason */
export function replaceFile(path: string, text: string): void {
  // Its name must not end with .prom, as node_exporter reads all such files.
  const fresh = `${path}.${process.pid}.new`
  try {
    // One that was left behind by a process of this number.
    rmSync(fresh, { force: true })
    const fd = openSync(fresh, 'wx', FILE_MODE)
    try {
      fchmodSync(fd, FILE_MODE)
      writeSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw cannot(`write ${path}`, error, { ENOENT: 'make its folder first' })
  }
}
