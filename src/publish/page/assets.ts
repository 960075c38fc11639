import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The parts that all pages share, made by script/build. */
export interface PageAssets {
  readonly script: string
  readonly style: string
}

/**
 * Reads the page's script and style from a folder (default: the folder of this file). Rejects if the page was not
 * built.
 */
export async function readPageAssets(folder: URL = new URL('.', import.meta.url)): Promise<PageAssets> {
  const [script, style] = await Promise.all([read(folder, 'knock-page.js'), read(folder, 'knock-page.css')])
  return { script, style }
}

async function read(folder: URL, name: string): Promise<string> {
  const file = fileURLToPath(new URL(name, folder))
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`not built: ${file}\nrun: script/build`, { cause })
  })
}
