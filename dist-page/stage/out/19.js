'use strict'
var __createBinding =
  (this && this.__createBinding) ||
  (Object.create
    ? function (o, m, k, k2) {
        if (k2 === undefined) k2 = k
        var desc = Object.getOwnPropertyDescriptor(m, k)
        if (!desc || ('get' in desc ? !m.__esModule : desc.writable || desc.configurable)) {
          desc = {
            enumerable: true,
            get: function () {
              return m[k]
            },
          }
        }
        Object.defineProperty(o, k2, desc)
      }
    : function (o, m, k, k2) {
        if (k2 === undefined) k2 = k
        o[k2] = m[k]
      })
var __setModuleDefault =
  (this && this.__setModuleDefault) ||
  (Object.create
    ? function (o, v) {
        Object.defineProperty(o, 'default', { enumerable: true, value: v })
      }
    : function (o, v) {
        o['default'] = v
      })
var __importStar =
  (this && this.__importStar) ||
  (function () {
    var ownKeys = function (o) {
      ownKeys =
        Object.getOwnPropertyNames ||
        function (o) {
          var ar = []
          for (var k in o) if (Object.prototype.hasOwnProperty.call(o, k)) ar[ar.length] = k
          return ar
        }
      return ownKeys(o)
    }
    return function (mod) {
      if (mod && mod.__esModule) return mod
      var result = {}
      if (mod != null)
        for (var k = ownKeys(mod), i = 0; i < k.length; i++) if (k[i] !== 'default') __createBinding(result, mod, k[i])
      __setModuleDefault(result, mod)
      return result
    }
  })()
Object.defineProperty(exports, '__esModule', { value: true })
exports.sha512_224 =
  exports.sha512_256 =
  exports.sha384 =
  exports.sha512 =
  exports.sha224 =
  exports.sha256 =
  exports._SHA512_256 =
  exports._SHA512_224 =
  exports._SHA384 =
  exports._SHA512 =
  exports._SHA224 =
  exports._SHA256 =
    void 0
const _md_js_1 = require('./_md.js')
const u64 = __importStar(require('./_u64.js'))
const utils_js_1 = require('./utils.js')
const SHA256_K = Uint32Array.from([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
])
const SHA256_W = new Uint32Array(64)
class SHA2_32B extends _md_js_1.HashMD {
  A = 0
  B = 0
  C = 0
  D = 0
  E = 0
  F = 0
  G = 0
  H = 0
  constructor(outputLen, IV) {
    super(64, outputLen, 8, false)
    this.A = IV[0] | 0
    this.B = IV[1] | 0
    this.C = IV[2] | 0
    this.D = IV[3] | 0
    this.E = IV[4] | 0
    this.F = IV[5] | 0
    this.G = IV[6] | 0
    this.H = IV[7] | 0
  }
  get() {
    const { A, B, C, D, E, F, G, H } = this
    return [A, B, C, D, E, F, G, H]
  }
  set(A, B, C, D, E, F, G, H) {
    this.A = A | 0
    this.B = B | 0
    this.C = C | 0
    this.D = D | 0
    this.E = E | 0
    this.F = F | 0
    this.G = G | 0
    this.H = H | 0
  }
  _cloneInto(to) {
    ;(to ||= new this.constructor()).set(...this.get())
    return this._cloneIntoMeta(to)
  }
  process(view, offset) {
    for (let i = 0; i < 16; i++, offset += 4) SHA256_W[i] = view.getUint32(offset, false)
    for (let i = 16; i < 64; i++) {
      const W15 = SHA256_W[i - 15]
      const W2 = SHA256_W[i - 2]
      const s0 = (0, utils_js_1.rotr)(W15, 7) ^ (0, utils_js_1.rotr)(W15, 18) ^ (W15 >>> 3)
      const s1 = (0, utils_js_1.rotr)(W2, 17) ^ (0, utils_js_1.rotr)(W2, 19) ^ (W2 >>> 10)
      SHA256_W[i] = (s1 + SHA256_W[i - 7] + s0 + SHA256_W[i - 16]) | 0
    }
    let { A, B, C, D, E, F, G, H } = this
    for (let i = 0; i < 64; i++) {
      const sigma1 = (0, utils_js_1.rotr)(E, 6) ^ (0, utils_js_1.rotr)(E, 11) ^ (0, utils_js_1.rotr)(E, 25)
      const T1 = (H + sigma1 + (0, _md_js_1.Chi)(E, F, G) + SHA256_K[i] + SHA256_W[i]) | 0
      const sigma0 = (0, utils_js_1.rotr)(A, 2) ^ (0, utils_js_1.rotr)(A, 13) ^ (0, utils_js_1.rotr)(A, 22)
      const T2 = (sigma0 + (0, _md_js_1.Maj)(A, B, C)) | 0
      H = G
      G = F
      F = E
      E = (D + T1) | 0
      D = C
      C = B
      B = A
      A = (T1 + T2) | 0
    }
    A = (A + this.A) | 0
    B = (B + this.B) | 0
    C = (C + this.C) | 0
    D = (D + this.D) | 0
    E = (E + this.E) | 0
    F = (F + this.F) | 0
    G = (G + this.G) | 0
    H = (H + this.H) | 0
    this.set(A, B, C, D, E, F, G, H)
  }
  roundClean() {
    ;(0, utils_js_1.clean)(SHA256_W)
  }
  destroy() {
    this.destroyed = true
    this.set(0, 0, 0, 0, 0, 0, 0, 0)
    ;(0, utils_js_1.clean)(this.buffer)
  }
}
class _SHA256 extends SHA2_32B {
  constructor() {
    super(32, _md_js_1.SHA256_IV)
  }
}
exports._SHA256 = _SHA256
class _SHA224 extends SHA2_32B {
  constructor() {
    super(28, _md_js_1.SHA224_IV)
  }
}
exports._SHA224 = _SHA224
const K512 = (() =>
  u64.split(
    [
      '0x428a2f98d728ae22',
      '0x7137449123ef65cd',
      '0xb5c0fbcfec4d3b2f',
      '0xe9b5dba58189dbbc',
      '0x3956c25bf348b538',
      '0x59f111f1b605d019',
      '0x923f82a4af194f9b',
      '0xab1c5ed5da6d8118',
      '0xd807aa98a3030242',
      '0x12835b0145706fbe',
      '0x243185be4ee4b28c',
      '0x550c7dc3d5ffb4e2',
      '0x72be5d74f27b896f',
      '0x80deb1fe3b1696b1',
      '0x9bdc06a725c71235',
      '0xc19bf174cf692694',
      '0xe49b69c19ef14ad2',
      '0xefbe4786384f25e3',
      '0x0fc19dc68b8cd5b5',
      '0x240ca1cc77ac9c65',
      '0x2de92c6f592b0275',
      '0x4a7484aa6ea6e483',
      '0x5cb0a9dcbd41fbd4',
      '0x76f988da831153b5',
      '0x983e5152ee66dfab',
      '0xa831c66d2db43210',
      '0xb00327c898fb213f',
      '0xbf597fc7beef0ee4',
      '0xc6e00bf33da88fc2',
      '0xd5a79147930aa725',
      '0x06ca6351e003826f',
      '0x142929670a0e6e70',
      '0x27b70a8546d22ffc',
      '0x2e1b21385c26c926',
      '0x4d2c6dfc5ac42aed',
      '0x53380d139d95b3df',
      '0x650a73548baf63de',
      '0x766a0abb3c77b2a8',
      '0x81c2c92e47edaee6',
      '0x92722c851482353b',
      '0xa2bfe8a14cf10364',
      '0xa81a664bbc423001',
      '0xc24b8b70d0f89791',
      '0xc76c51a30654be30',
      '0xd192e819d6ef5218',
      '0xd69906245565a910',
      '0xf40e35855771202a',
      '0x106aa07032bbd1b8',
      '0x19a4c116b8d2d0c8',
      '0x1e376c085141ab53',
      '0x2748774cdf8eeb99',
      '0x34b0bcb5e19b48a8',
      '0x391c0cb3c5c95a63',
      '0x4ed8aa4ae3418acb',
      '0x5b9cca4f7763e373',
      '0x682e6ff3d6b2b8a3',
      '0x748f82ee5defb2fc',
      '0x78a5636f43172f60',
      '0x84c87814a1f0ab72',
      '0x8cc702081a6439ec',
      '0x90befffa23631e28',
      '0xa4506cebde82bde9',
      '0xbef9a3f7b2c67915',
      '0xc67178f2e372532b',
      '0xca273eceea26619c',
      '0xd186b8c721c0c207',
      '0xeada7dd6cde0eb1e',
      '0xf57d4f7fee6ed178',
      '0x06f067aa72176fba',
      '0x0a637dc5a2c898a6',
      '0x113f9804bef90dae',
      '0x1b710b35131c471b',
      '0x28db77f523047d84',
      '0x32caab7b40c72493',
      '0x3c9ebe0a15c9bebc',
      '0x431d67c49c100d4c',
      '0x4cc5d4becb3e42b6',
      '0x597f299cfc657e2a',
      '0x5fcb6fab3ad6faec',
      '0x6c44198c4a475817',
    ].map((n) => BigInt(n)),
  ))()
const SHA512_Kh = (() => K512[0])()
const SHA512_Kl = (() => K512[1])()
const SHA512_W_H = new Uint32Array(80)
const SHA512_W_L = new Uint32Array(80)
class SHA2_64B extends _md_js_1.HashMD {
  Ah = 0
  Al = 0
  Bh = 0
  Bl = 0
  Ch = 0
  Cl = 0
  Dh = 0
  Dl = 0
  Eh = 0
  El = 0
  Fh = 0
  Fl = 0
  Gh = 0
  Gl = 0
  Hh = 0
  Hl = 0
  constructor(outputLen, IV) {
    super(128, outputLen, 16, false)
    this.Ah = IV[0] | 0
    this.Al = IV[1] | 0
    this.Bh = IV[2] | 0
    this.Bl = IV[3] | 0
    this.Ch = IV[4] | 0
    this.Cl = IV[5] | 0
    this.Dh = IV[6] | 0
    this.Dl = IV[7] | 0
    this.Eh = IV[8] | 0
    this.El = IV[9] | 0
    this.Fh = IV[10] | 0
    this.Fl = IV[11] | 0
    this.Gh = IV[12] | 0
    this.Gl = IV[13] | 0
    this.Hh = IV[14] | 0
    this.Hl = IV[15] | 0
  }
  get() {
    const { Ah, Al, Bh, Bl, Ch, Cl, Dh, Dl, Eh, El, Fh, Fl, Gh, Gl, Hh, Hl } = this
    return [Ah, Al, Bh, Bl, Ch, Cl, Dh, Dl, Eh, El, Fh, Fl, Gh, Gl, Hh, Hl]
  }
  set(Ah, Al, Bh, Bl, Ch, Cl, Dh, Dl, Eh, El, Fh, Fl, Gh, Gl, Hh, Hl) {
    this.Ah = Ah | 0
    this.Al = Al | 0
    this.Bh = Bh | 0
    this.Bl = Bl | 0
    this.Ch = Ch | 0
    this.Cl = Cl | 0
    this.Dh = Dh | 0
    this.Dl = Dl | 0
    this.Eh = Eh | 0
    this.El = El | 0
    this.Fh = Fh | 0
    this.Fl = Fl | 0
    this.Gh = Gh | 0
    this.Gl = Gl | 0
    this.Hh = Hh | 0
    this.Hl = Hl | 0
  }
  _cloneInto(to) {
    ;(to ||= new this.constructor()).set(...this.get())
    return this._cloneIntoMeta(to)
  }
  process(view, offset) {
    for (let i = 0; i < 16; i++, offset += 4) {
      SHA512_W_H[i] = view.getUint32(offset)
      SHA512_W_L[i] = view.getUint32((offset += 4))
    }
    for (let i = 16; i < 80; i++) {
      const W15h = SHA512_W_H[i - 15] | 0
      const W15l = SHA512_W_L[i - 15] | 0
      const s0h = u64.rotrSH(W15h, W15l, 1) ^ u64.rotrSH(W15h, W15l, 8) ^ u64.shrSH(W15h, W15l, 7)
      const s0l = u64.rotrSL(W15h, W15l, 1) ^ u64.rotrSL(W15h, W15l, 8) ^ u64.shrSL(W15h, W15l, 7)
      const W2h = SHA512_W_H[i - 2] | 0
      const W2l = SHA512_W_L[i - 2] | 0
      const s1h = u64.rotrSH(W2h, W2l, 19) ^ u64.rotrBH(W2h, W2l, 61) ^ u64.shrSH(W2h, W2l, 6)
      const s1l = u64.rotrSL(W2h, W2l, 19) ^ u64.rotrBL(W2h, W2l, 61) ^ u64.shrSL(W2h, W2l, 6)
      const SUMl = u64.add4L(s0l, s1l, SHA512_W_L[i - 7], SHA512_W_L[i - 16])
      const SUMh = u64.add4H(SUMl, s0h, s1h, SHA512_W_H[i - 7], SHA512_W_H[i - 16])
      SHA512_W_H[i] = SUMh | 0
      SHA512_W_L[i] = SUMl | 0
    }
    let { Ah, Al, Bh, Bl, Ch, Cl, Dh, Dl, Eh, El, Fh, Fl, Gh, Gl, Hh, Hl } = this
    for (let i = 0; i < 80; i++) {
      const sigma1h = u64.rotrSH(Eh, El, 14) ^ u64.rotrSH(Eh, El, 18) ^ u64.rotrBH(Eh, El, 41)
      const sigma1l = u64.rotrSL(Eh, El, 14) ^ u64.rotrSL(Eh, El, 18) ^ u64.rotrBL(Eh, El, 41)
      const CHIh = (Eh & Fh) ^ (~Eh & Gh)
      const CHIl = (El & Fl) ^ (~El & Gl)
      const T1ll = u64.add5L(Hl, sigma1l, CHIl, SHA512_Kl[i], SHA512_W_L[i])
      const T1h = u64.add5H(T1ll, Hh, sigma1h, CHIh, SHA512_Kh[i], SHA512_W_H[i])
      const T1l = T1ll | 0
      const sigma0h = u64.rotrSH(Ah, Al, 28) ^ u64.rotrBH(Ah, Al, 34) ^ u64.rotrBH(Ah, Al, 39)
      const sigma0l = u64.rotrSL(Ah, Al, 28) ^ u64.rotrBL(Ah, Al, 34) ^ u64.rotrBL(Ah, Al, 39)
      const MAJh = (Ah & Bh) ^ (Ah & Ch) ^ (Bh & Ch)
      const MAJl = (Al & Bl) ^ (Al & Cl) ^ (Bl & Cl)
      Hh = Gh | 0
      Hl = Gl | 0
      Gh = Fh | 0
      Gl = Fl | 0
      Fh = Eh | 0
      Fl = El | 0
      ;({ h: Eh, l: El } = u64.add(Dh | 0, Dl | 0, T1h | 0, T1l | 0))
      Dh = Ch | 0
      Dl = Cl | 0
      Ch = Bh | 0
      Cl = Bl | 0
      Bh = Ah | 0
      Bl = Al | 0
      const All = u64.add3L(T1l, sigma0l, MAJl)
      Ah = u64.add3H(All, T1h, sigma0h, MAJh)
      Al = All | 0
    }
    ;({ h: Ah, l: Al } = u64.add(this.Ah | 0, this.Al | 0, Ah | 0, Al | 0))
    ;({ h: Bh, l: Bl } = u64.add(this.Bh | 0, this.Bl | 0, Bh | 0, Bl | 0))
    ;({ h: Ch, l: Cl } = u64.add(this.Ch | 0, this.Cl | 0, Ch | 0, Cl | 0))
    ;({ h: Dh, l: Dl } = u64.add(this.Dh | 0, this.Dl | 0, Dh | 0, Dl | 0))
    ;({ h: Eh, l: El } = u64.add(this.Eh | 0, this.El | 0, Eh | 0, El | 0))
    ;({ h: Fh, l: Fl } = u64.add(this.Fh | 0, this.Fl | 0, Fh | 0, Fl | 0))
    ;({ h: Gh, l: Gl } = u64.add(this.Gh | 0, this.Gl | 0, Gh | 0, Gl | 0))
    ;({ h: Hh, l: Hl } = u64.add(this.Hh | 0, this.Hl | 0, Hh | 0, Hl | 0))
    this.set(Ah, Al, Bh, Bl, Ch, Cl, Dh, Dl, Eh, El, Fh, Fl, Gh, Gl, Hh, Hl)
  }
  roundClean() {
    ;(0, utils_js_1.clean)(SHA512_W_H, SHA512_W_L)
  }
  destroy() {
    this.destroyed = true
    ;(0, utils_js_1.clean)(this.buffer)
    this.set(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  }
}
class _SHA512 extends SHA2_64B {
  constructor() {
    super(64, _md_js_1.SHA512_IV)
  }
}
exports._SHA512 = _SHA512
class _SHA384 extends SHA2_64B {
  constructor() {
    super(48, _md_js_1.SHA384_IV)
  }
}
exports._SHA384 = _SHA384
const T224_IV = Uint32Array.from([
  0x8c3d37c8, 0x19544da2, 0x73e19966, 0x89dcd4d6, 0x1dfab7ae, 0x32ff9c82, 0x679dd514, 0x582f9fcf, 0x0f6d2b69,
  0x7bd44da8, 0x77e36f73, 0x04c48942, 0x3f9d85a8, 0x6a1d36c8, 0x1112e6ad, 0x91d692a1,
])
const T256_IV = Uint32Array.from([
  0x22312194, 0xfc2bf72c, 0x9f555fa3, 0xc84c64c2, 0x2393b86b, 0x6f53b151, 0x96387719, 0x5940eabd, 0x96283ee2,
  0xa88effe3, 0xbe5e1e25, 0x53863992, 0x2b0199fc, 0x2c85b8aa, 0x0eb72ddc, 0x81c52ca2,
])
class _SHA512_224 extends SHA2_64B {
  constructor() {
    super(28, T224_IV)
  }
}
exports._SHA512_224 = _SHA512_224
class _SHA512_256 extends SHA2_64B {
  constructor() {
    super(32, T256_IV)
  }
}
exports._SHA512_256 = _SHA512_256
exports.sha256 = (0, utils_js_1.createHasher)(() => new _SHA256(), (0, utils_js_1.oidNist)(0x01))
exports.sha224 = (0, utils_js_1.createHasher)(() => new _SHA224(), (0, utils_js_1.oidNist)(0x04))
exports.sha512 = (0, utils_js_1.createHasher)(() => new _SHA512(), (0, utils_js_1.oidNist)(0x03))
exports.sha384 = (0, utils_js_1.createHasher)(() => new _SHA384(), (0, utils_js_1.oidNist)(0x02))
exports.sha512_256 = (0, utils_js_1.createHasher)(() => new _SHA512_256(), (0, utils_js_1.oidNist)(0x06))
exports.sha512_224 = (0, utils_js_1.createHasher)(() => new _SHA512_224(), (0, utils_js_1.oidNist)(0x05))
