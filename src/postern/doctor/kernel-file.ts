import { existsSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { servicesText } from '../../base/problem.ts'
import type { Config } from '../../config/config.ts'
import { quote } from '../../text/fault.ts'
import { FileError } from '../../file/file-error.ts'
import { ANYBODYS, SECRET } from '../../file/policy.ts'
import type { FilePolicy } from '../../file/policy.ts'
import { inspectFile } from '../../file/private-file.ts'
import type { Inspection } from '../../file/private-file.ts'
import { kernelMisfitOf } from '../../firewall/kernel-only/misfit.ts'
import type { KernelMisfit } from '../../firewall/kernel-only/misfit.ts'
import { isPrinted, readPrinted } from '../../firewall/kernel-only/printed.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Remedy } from '../../remedy/remedies.ts'
import { RULES_MAX_BYTES, bootFiles } from '../firewall/place.ts'
import type { BootFile } from '../firewall/place.ts'
import type { Finding } from './finding.ts'
import { findingOf } from './permissions.ts'

/** The most differences that a message has. */
const REASONS_MAX = 6

/** A file that `postern firewall kernel --persist` wrote. */
interface KernelFile extends BootFile {
  readonly text: string
  readonly faults: Inspection['faults']
}

/**
 * Finds rulesets of `postern firewall kernel` that the next boot loads, and that do not fit the config. A file that is
 * missing or cannot be read has no findings.
 *
 * @param root the folder that is used as `/`
 */
export function judgeKernelFiles(config: Config, root = '/'): readonly Finding[] {
  const read = (path: string): string | undefined => inspected(join(root, path), ANYBODYS)?.content.toString('utf8')
  const files = bootFiles('postern-kernel', root, read).flatMap((file): readonly KernelFile[] => {
    const found = inspected(join(root, file.path), SECRET)
    const text = found?.content.toString('utf8') ?? ''
    return found !== undefined && isPrinted(text) ? [{ ...file, text, faults: found.faults }] : []
  })
  return files.flatMap((file) => judge(file, files, config))
}

function inspected(path: string, policy: FilePolicy): Inspection | undefined {
  try {
    return inspectFile(path, RULES_MAX_BYTES, policy)
  } catch (error) {
    if (error instanceof FileError) return undefined
    throw error
  }
}

function judge(file: KernelFile, files: readonly KernelFile[], config: Config): readonly Finding[] {
  const { path, text, faults } = file
  // A file that others can write is not read further.
  if (faults.length > 0) return faults.map((fault) => findingOf(fault, `${path} holds secrets`))
  const printed = readPrinted(text)
  if (printed === undefined) return []
  const about = { subject: 'kernel ruleset' } as const
  if (!isOf(printed.config, config.file)) {
    const message = `${path} was printed from another config, ${quote(printed.config.slice(1, -1))}`
    return [{ ...about, severity: 'note', message }]
  }
  const { allowed } = printed
  if (allowed === undefined) {
    const message = `cannot tell whether ${path} fits the config: the line of its heading with the open ports was changed`
    return [{ ...about, severity: 'note', message }]
  }
  const misfit = kernelMisfitOf({ ...printed, allowed }, config, file)
  if (misfit === undefined) return []
  const { reasons } = misfit
  const left = reasons.length - REASONS_MAX
  const list = [...reasons.slice(0, REASONS_MAX), ...(left > 0 ? [`and ${left} more differences`] : [])]
  const message = `${path} is loaded when the machine starts, and does not fit the config: ${list.join('; ')}`
  return [
    { ...about, severity: 'warning', message: message + MORE[misfit.fix], fix: fixing(misfit, file, files, config) },
  ]
}

const MORE: Readonly<Record<KernelMisfit['fix'], string>> = {
  print: '',
  look: '; it also accepts packets that a new one would not: see what would change first',
  replace: '; the base ruleset can take its place, as knockd opens its ports',
}

function fixing(
  { fix, doors, allowed }: KernelMisfit,
  { path, dialect, family, main }: KernelFile,
  files: readonly KernelFile[],
  config: Config,
): Remedy {
  const terms = { allowed: servicesText(allowed), doors, format: dialect, family }
  if (fix === 'print') return REMEDIES.persistKernel(terms, config.file)
  if (fix === 'look') return REMEDIES.lookAtKernel(terms, config.file)
  // Rules of iptables in force stay beside the base ruleset until the next boot.
  const base = { ...terms, beside: dialect === 'iptables', persist: '', replace: false }
  const paths = dialect === 'nft' ? [path] : files.filter((each) => each.dialect === dialect).map((each) => each.path)
  return REMEDIES.replaceKernel(base, config.file, paths, main)
}

/** Returns true unless the config that a heading names is another one, which still exists. */
function isOf(quoted: string, file: string): boolean {
  if (quoted === quote(file)) return true
  const named = quoted.slice(1, -1)
  // The heading has the beginning of a long name only.
  if (named.endsWith('…')) return false
  if (!named.startsWith('/')) return basename(named) === basename(file)
  return !existsSync(named) || realpathSync(named) === realpathSync(file)
}
