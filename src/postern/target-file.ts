import { lstatSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Failure } from '../cli/fault.ts'
import { FileError } from '../file/file-error.ts'
import { judgeFolder } from '../file/policy.ts'
import { walk } from '../file/way.ts'

/**
 * Returns the path of a file without links, if only trusted users can have made them, and nobody else can replace it.
 *
 * @throws Failure
 */
export function targetOf(path: string): string {
  const absolute = resolve(path)
  const isThere = lstatSync(absolute, { throwIfNoEntry: false }) !== undefined
  try {
    const way = walk(isThere ? absolute : dirname(absolute))
    const real = isThere ? way.real : join(way.real, basename(absolute))
    if (isThere && !way.stat.isFile()) throw new Failure(`cannot write ${path}: it is not a regular file`)
    const fault = way.faults[0] ?? (isThere ? undefined : judgeFolder(way.real, way.stat))
    if (fault !== undefined) {
      throw new Failure(`cannot write ${path}: ${fault.message}`, 'name a file in a folder of your own')
    }
    return real
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    const isLink = isThere && error.reason === 'missing'
    const fault = isLink ? 'the link leads to nothing' : error.fault
    const hint = isLink ? 'name a file' : 'make its folder first'
    throw new Failure(`cannot write ${path}: ${fault}`, hint, error)
  }
}
