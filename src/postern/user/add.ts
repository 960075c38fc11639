import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DONE, NOT_IN_FORCE, UNCHANGED } from '../../cli/exit-code.ts'
import { Failure, UsageError, failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { cannot } from '../../file/file-error.ts'
import { ownerOfSecrets } from '../../file/owner.ts'
import { linesOf } from '../../text/lines.ts'
import { Images } from '../card/images.ts'
import type { Viewer } from '../card/viewer.ts'
import type { AddArguments } from './arguments.ts'
import { KIND_WORDS, documentOf, usageOf, valueOf } from './enrolment.ts'
import type { Enrolment, For } from './enrolment.ts'
import { addFwknop, isFwknopDoor } from './fwknop.ts'
import { effectOf, repliesOf } from './in-force.ts'
import { lineLike, withLine } from './lines.ts'
import { allCards, look, textOf } from './look.ts'
import type { Look } from './look.ts'
import { editedFile, openedFile, withFiles } from './opened-file.ts'
import type { EditedFile, OpenedFile } from './opened-file.ts'
import { checkPage, pageDoubt } from './page-link.ts'
import { effectText, jsonText } from './report.ts'
import { Secrets } from './secrets.ts'
import { HERE } from './surroundings.ts'
import type { Surroundings } from './surroundings.ts'
import { checkName, targetsOf } from './targets.ts'
import type { Target } from './targets.ts'
import { configOf } from '../config-of.ts'
import { doorsNamed, faultsText, listed } from './users-file.ts'
import type { UsersFile } from './users-file.ts'
import { linesOfUser } from './users-format.ts'

/** The folder of a new file: everybody may enter it, and only the owner may read the files. */
const FOLDER_MODE = 0o755

/** A user who is in a file already. */
interface There {
  readonly path: string
  readonly line: number
  readonly isDisabled: boolean
}

/** A file, and the user's secret in it. */
interface Enrolled {
  readonly file: UsersFile
  readonly line: number
  readonly enrolment: Enrolment
}

/** Runs `postern user add`, and returns the exit code. */
export async function add(asked: AddArguments, output: Output, here: Surroundings = HERE): Promise<number> {
  const images = new Images(asked.image)
  let viewer: Viewer | undefined
  try {
    const config = configOf(asked.config)
    const named = asked.door.length === 1 ? doorsNamed(config, asked.door) : []
    if (named.length === 1 && isFwknopDoor(named[0]!)) {
      refuseOptions(asked)
      return await addFwknop(named[0]!, config, asked, output, here)
    }
    const targets = targetsOf(config, asked)
    for (const { file } of targets) checkName(asked.name, file.format)
    const secrets = new Secrets(config, asked, here)
    if (asked.page !== undefined) checkPage(targets, secrets.to)
    for (const { file } of targets) makeFolder(dirname(file.path))
    viewer = asked.json ? undefined : here.viewer()
    const looking = { asked, config, to: secrets.to, here, images }
    const shown =
      viewer === undefined && asked.image === undefined
        ? undefined
        : await shownFirst(targets, secrets, viewer, looking)
    if (shown !== undefined && 'there' in shown) return sayThere(asked, shown.there, output)
    const done = await withFiles(
      targets.map(({ file }) => file),
      () => ownerOfSecrets(config.options),
      (opened) => enrol(targets, opened, secrets, asked.name, shown?.enrolments),
      here.replace,
    )
    viewer?.close()
    if ('there' in done) {
      images.discard()
      return sayThere(asked, done.there, output)
    }
    const text = viewer === undefined ? undefined : (shown?.text ?? '')
    return await sayAdded(looking, { ...done, text }, output)
  } catch (error) {
    images.discard()
    viewer?.close()
    return failed(error, output)
  } finally {
    viewer?.close()
  }
}

/**
 * Makes the secrets, and shows them before anything is written. No file is claimed meanwhile: other commands do not
 * wait for somebody who is looking for a phone.
 */
async function shownFirst(
  targets: readonly Target[],
  secrets: Secrets,
  viewer: Viewer | undefined,
  looking: Look,
): Promise<{ readonly enrolments: readonly Enrolment[]; readonly text: string } | { readonly there: There }> {
  const { asked, to, images } = looking
  const there = thereInAny(
    targets.map(({ file }) => openedFile(file)),
    asked.name,
  )
  if (there !== undefined) return { there }
  const enrolments = secrets.make(targets)
  await images.write(allCards(enrolments, to, asked))
  return viewer === undefined ? { enrolments, text: '' } : await look(enrolments, viewer, looking)
}

/** Refuses options that mean nothing to fwknop's clients. @throws UsageError */
function refuseOptions({ totp, sequence, spa, page }: AddArguments): void {
  if (!totp && !sequence && !spa && page === undefined) return
  throw new UsageError(
    '--totp, --sequence, --spa and --page are not for a door with packets of fwknop',
    'leave them out',
  )
}

function makeFolder(path: string): void {
  try {
    const first = mkdirSync(path, { recursive: true, mode: FOLDER_MODE })
    if (first === undefined) return
    // The mask of this process must not keep the daemon's user out.
    for (let made = path; made.length >= first.length; made = dirname(made)) chmodSync(made, FOLDER_MODE)
  } catch (error) {
    throw new Failure(cannot(`create the folder ${path}`, error, { EACCES: 'run this as root' }).message)
  }
}

/** The edited files with the user's secrets, or the line that the user has already. */
type Outcome =
  | { readonly edited: readonly EditedFile[]; readonly enrolled: readonly Enrolled[] }
  | { readonly edited: readonly []; readonly there: There }

/**
 * @param made the secrets, if they were made before
 * @throws Failure if a file has faults, or would have some
 */
function enrol(
  targets: readonly Target[],
  opened: readonly OpenedFile[],
  secrets: Secrets,
  name: string,
  made: readonly Enrolment[] | undefined,
): Outcome {
  const there = thereInAny(opened, name)
  if (there !== undefined) return { edited: [], there }
  if (made !== undefined) secrets.check(made)
  const enrolments = made ?? secrets.make(targets)
  const edited = opened.map((file, index) => withUser(file, name, enrolments[index]!, secrets.to))
  const enrolled = edited.map(({ file, content }, index): Enrolled => {
    const { line } = content.users.find((user) => user.name === name)!
    return { file, line, enrolment: enrolments[index]! }
  })
  return { edited, enrolled }
}

/** Returns the line that a user has already. @throws Failure if a file has faults */
function thereInAny(opened: readonly OpenedFile[], name: string): There | undefined {
  for (const file of opened) {
    const there = thereIn(file, name)
    if (there !== undefined) return there
  }
  for (const file of opened) {
    const { faults } = file.content
    if (faults.length > 0) throw new Failure(faultsText(file, faults), 'correct this first: nothing was changed')
  }
  return undefined
}

function thereIn(file: OpenedFile, name: string): There | undefined {
  const { content, format, text, path } = file
  const disabled = content.disabled.find((user) => user.name === name)
  if (disabled !== undefined) return { path, line: disabled.line, isDisabled: true }
  const [line] = linesOfUser(format, content, text, name)
  return line === undefined ? undefined : { path, line, isDisabled: false }
}

/** @throws Failure if the daemon would not read the result as meant */
function withUser(file: OpenedFile, name: string, enrolment: Enrolment, to: For): EditedFile {
  const { content, bytes, format } = file
  const value = valueOf(enrolment, to)
  const last = content.users.at(-1)
  const sample = last === undefined ? undefined : [...linesOf(file.text)][last.line - 1]?.text
  const line = format.nameIsFirst ? lineLike(sample, name, value) : `${value} ${name}`
  const edited = editedFile(file, withLine(bytes, Buffer.from(line).toString('latin1')))
  const { users, faults } = edited.content
  if (faults.length > 0) throw new Failure(faultsText(file, faults), 'nothing was changed')
  const isMeant = users.length === content.users.length + 1 && users.at(-1)!.name === name
  if (!isMeant || edited.content.disabled.length !== content.disabled.length) {
    throw new Failure(`${file.path} would not be read as meant`, 'nothing was changed')
  }
  return edited
}

function sayThere({ name, json }: AddArguments, { path, line, isDisabled }: There, output: Output): number {
  const hint = isDisabled ? `postern user enable ${name}` : 'for a new secret, remove the user first'
  output.err(faultText('postern', `${name} is there already${isDisabled ? ', disabled' : ''}: ${path}:${line}`, hint))
  if (json) output.out(jsonText({ user: name, changed: false, file: path, line, disabled: isDisabled }))
  return UNCHANGED
}

/** The change, for the report. */
interface Added {
  readonly enrolled: readonly Enrolled[]
  readonly doubts: readonly string[]
  /** The findings about secrets that were shown at a terminal; `undefined`: the secrets are printed. */
  readonly text: string | undefined
}

async function sayAdded(looking: Look, { enrolled, doubts, text }: Added, { out, err }: Output): Promise<number> {
  const { asked, config, to, here, images } = looking
  const { name, json } = asked
  const doors = enrolled.flatMap(({ enrolment }) => enrolment.doors)
  const effect = effectOf(await repliesOf(doors, here.asksAll(asked.config, asked.interface.flat())), name, true)
  const said = effectText(effect, config.file)
  if (json) {
    const secrets = enrolled.map(({ file: { path }, line, enrolment }) => {
      return { file: path, line, ...documentOf(enrolment, to, asked.page) }
    })
    const { state: knockd, problems } = effect
    const pictures = asked.image === undefined ? {} : { images: images.paths }
    out(jsonText({ user: name, changed: true, knockd, problems, secrets, ...pictures }))
  } else {
    const heads = enrolled.map(({ file: { path }, line, enrolment: { kind, doors: own } }) => {
      return `${name} can open ${listed(own.map((door) => door.name))} by ${KIND_WORDS[kind]}: ${path}:${line}\n`
    })
    const texts: string[] = []
    for (const { enrolment } of enrolled) {
      texts.push(text === undefined ? await textOf(enrolment, looking) : usageOf(enrolment, to))
    }
    out(`${heads.join('')}${said.out}${images.text()}${text ?? ''}\n${texts.join('\n')}`)
  }
  const doubt = asked.page === undefined ? undefined : pageDoubt(asked.page)
  for (const each of [...doubts, ...(doubt === undefined ? [] : [doubt])]) err(faultText('postern', each))
  err(said.err)
  return effect.state === 'not in force' ? NOT_IN_FORCE : DONE
}
