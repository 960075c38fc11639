import { readFile } from 'node:fs/promises'
import type { Output } from '../../../cli/output.ts'
import { replaceFile } from '../../../file/replace.ts'
import { targetOf } from '../../target-file.ts'
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
