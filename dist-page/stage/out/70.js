'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.FFTCore = void 0
exports.isPowerOfTwo = isPowerOfTwo
exports.nextPowerOfTwo = nextPowerOfTwo
exports.reverseBits = reverseBits
exports.log2 = log2
exports.bitReversalInplace = bitReversalInplace
exports.bitReversalPermutation = bitReversalPermutation
exports.rootsOfUnity = rootsOfUnity
exports.FFT = FFT
exports.poly = poly
const utils_js_1 = require('../utils.js')
const modular_js_1 = require('./modular.js')
function checkU32(n, title = 'n') {
  if (typeof n !== 'number') throw new TypeError(`wrong u32 integer "${title}": expected number, got type=${typeof n}`)
  if (!Number.isSafeInteger(n) || n < 0 || n > 0xffffffff)
    throw new RangeError(`wrong u32 integer "${title}": expected 0..4294967295, got ${n}`)
  return n
}
function isPowerOfTwo(x) {
  checkU32(x, 'x')
  return (x & (x - 1)) === 0 && x !== 0
}
function nextPowerOfTwo(n) {
  checkU32(n)
  if (n <= 1) return 1
  if (n > 0x8000_0000) throw new Error('nextPowerOfTwo overflow: result does not fit u32')
  return (1 << (log2(n - 1) + 1)) >>> 0
}
function reverseBits(n, bits) {
  checkU32(n)
  if (typeof bits !== 'number') throw new TypeError('"bits" expected number, got type=' + typeof bits)
  if (!Number.isSafeInteger(bits) || bits < 0 || bits > 32)
    throw new Error(`expected integer 0 <= bits <= 32, got ${bits}`)
  let reversed = 0
  for (let i = 0; i < bits; i++, n >>>= 1) reversed = (reversed << 1) | (n & 1)
  return reversed >>> 0
}
function log2(n) {
  checkU32(n)
  return 31 - Math.clz32(n)
}
function bitReversalInplace(values) {
  if (!values || typeof values !== 'object' || typeof values.length !== 'number')
    throw new TypeError('"values" expected array-like, got type=' + typeof values)
  const n = values.length
  if (!isPowerOfTwo(n)) throw new Error('expected positive power-of-two length, got ' + n)
  const bits = log2(n)
  for (let i = 0; i < n; i++) {
    const j = reverseBits(i, bits)
    if (i < j) {
      const tmp = values[i]
      values[i] = values[j]
      values[j] = tmp
    }
  }
  return values
}
function bitReversalPermutation(values) {
  ;(0, utils_js_1.aarray)(values, 'values')
  return bitReversalInplace(values.slice())
}
const _1n = BigInt(1)
function findGenerator(field) {
  let G = BigInt(2)
  for (; field.eql(field.pow(G, field.ORDER >> _1n), field.ONE); G++);
  return G
}
function rootsOfUnity(field, generator) {
  ;(0, modular_js_1.validateField)(field)
  if (generator !== undefined && typeof generator !== 'bigint')
    throw new TypeError('"generator" expected bigint, got type=' + typeof generator)
  let oddFactor = field.ORDER - _1n
  let powerOfTwo = 0
  for (; (oddFactor & _1n) !== _1n; powerOfTwo++, oddFactor >>= _1n);
  let G = generator !== undefined ? BigInt(generator) : findGenerator(field)
  const omegas = new Array(powerOfTwo + 1)
  omegas[powerOfTwo] = field.pow(G, oddFactor)
  for (let i = powerOfTwo; i > 0; i--) omegas[i - 1] = field.sqr(omegas[i])
  const rootsCache = []
  const checkBits = (bits) => {
    checkU32(bits, 'bits')
    if (bits > 31 || bits > powerOfTwo)
      throw new Error('rootsOfUnity: wrong bits ' + bits + ' powerOfTwo=' + powerOfTwo)
    return bits
  }
  const precomputeRoots = (maxPower) => {
    checkBits(maxPower)
    for (let power = maxPower; power >= 0; power--) {
      if (rootsCache[power]) continue
      const above = rootsCache[power + 1]
      const rootsAtPower = []
      if (above) {
        for (let j = 0; j < 2 ** power; j++) rootsAtPower.push(above[2 * j])
      } else {
        for (let j = 0, cur = field.ONE; j < 2 ** power; j++, cur = field.mul(cur, omegas[power]))
          rootsAtPower.push(cur)
      }
      rootsCache[power] = rootsAtPower
    }
    return rootsCache[maxPower]
  }
  const brpCache = new Map()
  const inverseCache = new Map()
  return {
    info: { G, powerOfTwo, oddFactor },
    roots: (bits) => {
      const b = checkBits(bits)
      return precomputeRoots(b)
    },
    brp(bits) {
      const b = checkBits(bits)
      if (brpCache.has(b)) return brpCache.get(b)
      else {
        const res = bitReversalPermutation(this.roots(b))
        brpCache.set(b, res)
        return res
      }
    },
    inverse(bits) {
      const b = checkBits(bits)
      if (inverseCache.has(b)) return inverseCache.get(b)
      else {
        const r = this.roots(b)
        const res = [r[0]].concat(r.slice(1).reverse())
        inverseCache.set(b, res)
        return res
      }
    },
    omega: (bits) => omegas[checkBits(bits)],
    clear: () => {
      rootsCache.splice(0, rootsCache.length)
      brpCache.clear()
      inverseCache.clear()
    },
  }
}
const FFTCore = (F, coreOpts) => {
  ;(0, utils_js_1.validateObject)(
    coreOpts,
    { N: 'number', roots: 'object', dit: 'boolean' },
    { invertButterflies: 'boolean', skipStages: 'number', brp: 'boolean' },
    'coreOpts',
  )
  const { N, roots, dit, invertButterflies = false, skipStages = 0, brp = true } = coreOpts
  checkU32(N, 'coreOpts.N')
  const bits = log2(N)
  if (!isPowerOfTwo(N)) throw new Error('FFT: Polynomial size should be power of two')
  checkU32(skipStages, 'coreOpts.skipStages')
  const maxSkipStages = bits === 0 ? 0 : bits - 1
  if (skipStages > maxSkipStages) throw new Error(`FFT: wrong skipStages: expected 0 <= skipStages <= ${maxSkipStages}`)
  if (roots.length !== N) throw new Error(`FFT: wrong roots length: expected ${N}, got ${roots.length}`)
  const isDit = dit !== invertButterflies
  return (values) => {
    if (values.length !== N) throw new Error('FFT: wrong Polynomial length')
    if (dit && brp) bitReversalInplace(values)
    for (let i = 0, g = 1; i < bits - skipStages; i++) {
      const s = dit ? i + 1 + skipStages : bits - i
      const m = 1 << s
      const m2 = m >> 1
      const stride = N >> s
      for (let k = 0; k < N; k += m) {
        for (let j = 0, grp = g++; j < m2; j++) {
          const rootPos = invertButterflies ? (dit ? N - grp : grp) : j * stride
          const i0 = k + j
          const i1 = k + j + m2
          const omega = roots[rootPos]
          const b = values[i1]
          const a = values[i0]
          if (isDit) {
            const t = F.mul(b, omega)
            values[i0] = F.add(a, t)
            values[i1] = F.sub(a, t)
          } else if (invertButterflies) {
            values[i0] = F.add(b, a)
            values[i1] = F.mul(F.sub(b, a), omega)
          } else {
            values[i0] = F.add(a, b)
            values[i1] = F.mul(F.sub(a, b), omega)
          }
        }
      }
    }
    if (!dit && brp) bitReversalInplace(values)
    return values
  }
}
exports.FFTCore = FFTCore
function FFT(roots, opts) {
  const loops = new Map()
  const getLoop = (N, rootsTable, key) => {
    const cached = loops.get(key)
    if (cached) return cached
    const brpInput = !!(key & 2)
    const brpOutput = !!(key & 1)
    let loop
    if (brpInput && brpOutput) {
      const core = (0, exports.FFTCore)(opts, { N, roots: rootsTable, dit: false, brp: false })
      loop = (values) => core(bitReversalInplace(values))
    } else if (brpInput) loop = (0, exports.FFTCore)(opts, { N, roots: rootsTable, dit: true, brp: false })
    else if (brpOutput) loop = (0, exports.FFTCore)(opts, { N, roots: rootsTable, dit: false, brp: false })
    else loop = (0, exports.FFTCore)(opts, { N, roots: rootsTable, dit: true, brp: true })
    loops.set(key, loop)
    return loop
  }
  const loopKey = (bits, isInverse, brpInput, brpOutput) =>
    (bits << 3) | (isInverse ? 4 : 0) | (brpInput ? 2 : 0) | (brpOutput ? 1 : 0)
  return {
    direct(values, brpInput = false, brpOutput = false) {
      const N = values.length
      if (!isPowerOfTwo(N)) throw new Error('FFT: Polynomial size should be power of two')
      const bits = log2(N)
      const key = loopKey(bits, false, brpInput, brpOutput)
      return getLoop(N, roots.roots(bits), key)(values.slice())
    },
    inverse(values, brpInput = false, brpOutput = false) {
      const N = values.length
      if (!isPowerOfTwo(N)) throw new Error('FFT: Polynomial size should be power of two')
      const bits = log2(N)
      const key = loopKey(bits, true, brpInput, brpOutput)
      const res = getLoop(N, roots.inverse(bits), key)(values.slice())
      const ivm = opts.inv(BigInt(values.length))
      for (let i = 0; i < res.length; i++) res[i] = opts.mul(res[i], ivm)
      return res
    },
  }
}
function poly(field, roots, create, fft, length) {
  ;(0, modular_js_1.validateField)(field)
  const F = field
  const _create = create || ((len, elm) => new Array(len).fill(elm ?? F.ZERO))
  const isPoly = (x) => {
    if (Array.isArray(x)) return true
    if (!ArrayBuffer.isView(x)) return false
    const v = x
    return typeof v.length === 'number' && typeof v.slice === 'function' && typeof v[Symbol.iterator] === 'function'
  }
  const checkPoly = (title, value) => {
    if (!isPoly(value)) throw new TypeError(`"${title}" expected polynomial, got type=${typeof value}`)
  }
  const checkLength = (a, b) => {
    checkPoly('a', a)
    const L = a.length
    if (b !== undefined) {
      checkPoly('b', b)
      if (b.length !== L) throw new Error(`poly: mismatched lengths ${L} vs ${b.length}`)
    }
    if (length !== undefined && L !== length) throw new Error(`poly: expected fixed length ${length}, got ${L}`)
    return L
  }
  function findOmegaIndex(x, n, brp = false, weights) {
    if (!isPowerOfTwo(n)) throw new Error('poly.lagrange: expected power of two length, got ' + n)
    const omega = weights || (brp ? roots.brp(log2(n)) : roots.roots(log2(n)))
    for (let i = 0; i < n; i++) if (F.eql(x, omega[i])) return i
    return -1
  }
  return {
    roots,
    create: _create,
    length,
    extend: (a, len) => {
      checkLength(a)
      const out = _create(len, F.ZERO)
      for (let i = 0; i < Math.min(a.length, len); i++) out[i] = a[i]
      return out
    },
    degree: (a) => {
      checkLength(a)
      for (let i = a.length - 1; i >= 0; i--) if (!F.is0(a[i])) return i
      return -1
    },
    add: (a, b) => {
      const len = checkLength(a, b)
      const out = _create(len)
      for (let i = 0; i < len; i++) out[i] = F.add(a[i], b[i])
      return out
    },
    sub: (a, b) => {
      const len = checkLength(a, b)
      const out = _create(len)
      for (let i = 0; i < len; i++) out[i] = F.sub(a[i], b[i])
      return out
    },
    dot: (a, b) => {
      const len = checkLength(a, b)
      const out = _create(len)
      for (let i = 0; i < len; i++) out[i] = F.mul(a[i], b[i])
      return out
    },
    mul: (a, b) => {
      if (isPoly(b)) {
        const len = checkLength(a, b)
        if (fft) {
          const A = fft.direct(a, false, true)
          const B = fft.direct(b, false, true)
          for (let i = 0; i < A.length; i++) A[i] = F.mul(A[i], B[i])
          return fft.inverse(A, true, false)
        } else {
          const res = _create(len)
          for (let i = 0; i < len; i++) {
            for (let j = 0; j < len; j++) {
              const k = (i + j) % len
              res[k] = F.add(res[k], F.mul(a[i], b[j]))
            }
          }
          return res
        }
      } else {
        const out = _create(checkLength(a))
        for (let i = 0; i < out.length; i++) out[i] = F.mul(a[i], b)
        return out
      }
    },
    convolve(a, b) {
      checkPoly('a', a)
      checkPoly('b', b)
      const len = nextPowerOfTwo(a.length + b.length - 1)
      return this.mul(this.extend(a, len), this.extend(b, len))
    },
    shift(p, factor) {
      checkPoly('p', p)
      const out = _create(p.length)
      if (length !== undefined && p.length !== length)
        throw new Error(`poly: expected fixed length ${length}, got ${p.length}`)
      if (!p.length) return out
      out[0] = p[0]
      for (let i = 1, power = F.ONE; i < p.length; i++) {
        power = F.mul(power, factor)
        out[i] = F.mul(p[i], power)
      }
      return out
    },
    clone: (a) => {
      checkLength(a)
      const out = _create(a.length)
      for (let i = 0; i < a.length; i++) out[i] = a[i]
      return out
    },
    eval: (a, basis) => {
      checkLength(a, basis)
      let acc = F.ZERO
      for (let i = 0; i < a.length; i++) acc = F.add(acc, F.mul(a[i], basis[i]))
      return acc
    },
    monomial: {
      basis: (x, n) => {
        const out = _create(n)
        let pow = F.ONE
        for (let i = 0; i < n; i++) {
          out[i] = pow
          pow = F.mul(pow, x)
        }
        return out
      },
      eval: (a, x) => {
        checkLength(a)
        let acc = F.ZERO
        for (let i = a.length - 1; i >= 0; i--) acc = F.add(F.mul(acc, x), a[i])
        return acc
      },
    },
    lagrange: {
      basis: (x, n, brp = false, weights) => {
        if (!isPowerOfTwo(n)) throw new Error('poly.lagrange: expected power of two length, got ' + n)
        const bits = log2(n)
        const cache = weights || (brp ? roots.brp(bits) : roots.roots(bits))
        const out = _create(n)
        const idx = findOmegaIndex(x, n, brp, weights)
        if (idx !== -1) {
          out[idx] = F.ONE
          return out
        }
        const tm = F.pow(x, BigInt(n))
        const c = F.mul(F.sub(tm, F.ONE), F.inv(BigInt(n)))
        const denom = _create(n)
        for (let i = 0; i < n; i++) denom[i] = F.sub(x, cache[i])
        const inv = F.invertBatch(denom)
        for (let i = 0; i < n; i++) out[i] = F.mul(c, F.mul(cache[i], inv[i]))
        return out
      },
      eval(a, x, brp = false) {
        checkLength(a)
        const idx = findOmegaIndex(x, a.length, brp)
        if (idx !== -1) return a[idx]
        const L = this.basis(x, a.length, brp)
        let acc = F.ZERO
        for (let i = 0; i < a.length; i++) if (!F.is0(a[i])) acc = F.add(acc, F.mul(a[i], L[i]))
        return acc
      },
    },
    vanishing(roots) {
      checkPoly('roots', roots)
      if (length !== undefined && roots.length !== length)
        throw new Error(`poly: expected fixed length ${length}, got ${roots.length}`)
      const out = _create(roots.length + 1, F.ZERO)
      out[0] = F.ONE
      for (const r of roots) {
        const neg = F.neg(r)
        for (let j = out.length - 1; j > 0; j--) out[j] = F.add(F.mul(out[j], neg), out[j - 1])
        out[0] = F.mul(out[0], neg)
      }
      return out
    },
  }
}
