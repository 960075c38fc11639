import { loadKoffi } from './native-code.ts'

/** The package koffi. Importing this file throws NativeCodeError if koffi cannot be loaded. */
export default loadKoffi()
