import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PROJECT = new URL('../../', import.meta.url)

/** The documents for people, relative to the project. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  'SECURITY.md',
  'DESIGN.md',
  'CHANGELOG.md',
  ...readdirSync(new URL('doc/', PROJECT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `doc/${name}`),
]

/** Returns the path of a file of the project. */
export function pathOf(name: string): string {
  return fileURLToPath(new URL(name, PROJECT))
}

/** Returns the text of a document. */
export function document(name: string): string {
  return readFileSync(pathOf(name), 'utf8')
}

const FENCED = /^```[^\n]*\n([^]*?)^```$/gm
/** Lines after a blank one, indented by four blanks, with the blank lines between them. */
const INDENTED = /(?<=\n\n)(?: {4}[^\n]*\n(?:\n(?= {4}))?)+/g

/** Returns the blocks of code of a document, without their indentation. */
export function blocksOf(text: string): readonly string[] {
  const fenced = [...text.matchAll(FENCED)].map(([, block = '']) => block)
  const indented = [...text.replaceAll(FENCED, '').matchAll(INDENTED)].map(([block]) => block.replaceAll(/^ {4}/gm, ''))
  return [...fenced, ...indented]
}

/** Returns a document without its blocks of code. */
export function proseOf(text: string): string {
  return text.replaceAll(FENCED, '').replaceAll(INDENTED, '')
}

/** Returns the words in backquotes. */
export function spansOf(text: string): readonly string[] {
  return [...proseOf(text).matchAll(/`([^`]+)`/g)].map(([, words = '']) => words.replaceAll('\n', ' '))
}

/** Returns the targets of links and pictures that belong to the project. */
export function targetsOf(text: string): readonly string[] {
  const prose = proseOf(text).replaceAll(/`[^`]*`/g, '')
  const found = [...prose.matchAll(/\]\(([^()\s]+)\)|\b(?:src|srcset|href)="([^"]+)"/g)]
  return found.map(([, link, source]) => link ?? source ?? '').filter((target) => !/^[a-z]+:/.test(target))
}

/** Returns the anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(text: string): readonly string[] {
  return [...proseOf(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Returns the config of the README: its first block that begins with a section. */
export function readmeConfig(): string {
  return blocksOf(document('README.md')).find((block) => block.startsWith('['))!
}

/** Returns the words after `knock` in the README's first knock, with this server. */
export function readmeKnock(server: string): readonly string[] {
  const block = blocksOf(document('README.md')).find((each) => each.startsWith('knock '))!
  const [line = ''] = block.split('&&')
  return line
    .trim()
    .split(' ')
    .slice(1)
    .map((word) => (word === 'SERVER' ? server : word))
}
