// Loads the judge and asks it. Works in a browser and in Node alike.
export async function load(bytes) {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const { memory, question, judge, answer } = instance.exports;
  return (asked) => {
    const text = new TextEncoder().encode(JSON.stringify(asked));
    const at = question(text.length);
    if (at === 0) throw new Error("the question is too long");
    new Uint8Array(memory.buffer, at, text.length).set(text);
    const length = judge();
    const reply = new Uint8Array(memory.buffer, answer(), length);
    return JSON.parse(new TextDecoder().decode(reply));
  };
}

export const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
