import { lstatSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Failure } from '../../../cli/fault.ts'
import type { Output } from '../../../cli/output.ts'
import { FileError } from '../../../file/file-error.ts'
import { judgeFolder } from '../../../file/policy.ts'
import { replaceFile } from '../../../file/replace.ts'
import { walk } from '../../../file/way.ts'
import type { Contents } from '../contents.ts'
import { pageOf } from './page.ts'

/** A report says who came when: only its owner may read it. */
const PAGE_MODE = 0o600

/** Reads the page's style, made by script/build. */
async function readStyle(): Promise<string> {
  return await readFile(new URL('report.css', import.meta.url), 'utf8')
}

/** Writes a report as a page, whole or not at all. `-` is standard output. @throws Failure, or the system's error */
export async function writePage(path: string, contents: Contents, output: Output): Promise<void> {
  const page = pageOf(contents, await readStyle())
  if (path === '-') output.out(page)
  else replaceFile(targetOf(path), page, PAGE_MODE)
}

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
      throw new Failure(`cannot write ${path}: ${fault.message}`, 'name a file in a folder of your own: --html FILE')
    }
    return real
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    const isLink = isThere && error.reason === 'missing'
    const fault = isLink ? 'the link leads to nothing' : error.fault
    const hint = isLink ? 'name a file, or - for standard output' : 'make its folder first'
    throw new Failure(`cannot write ${path}: ${fault}`, hint, error)
  }
}
