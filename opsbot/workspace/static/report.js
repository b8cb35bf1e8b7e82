// What interactive elements report to: keeps what was chosen, asks where the app wants it, tells the workspace.
import { post, toast } from "./dom.js";
import { state } from "./place.js";

// `values` is {block_id: {action_id: value}}; `where` is {channel, ts} of a message or {view_id} of a view.
export function reports(values, where) {
  const [act, holder] = where.view_id ? ["act", "values"] : ["click", "state"];
  const about = (element, block) => ({ user: state.me, ...where, action_id: element.action_id, block_id: block.block_id });
  const set = (block, element, value) => ((values[block.block_id] ??= {})[element.action_id] = value);
  return {
    set,
    value: (block, element) => values[block.block_id]?.[element.action_id],
    suggest: (block, element, typed) => post("/page/suggest", { ...about(element, block), typed }),
    // `node`, if given, waits and looks it until the app has answered.
    async act(block, element, value, node = {}) {
      if (node.ariaBusy === "true") return;
      if (element.confirm && !(await (await import("./confirm.js")).confirm(element.confirm))) return;
      if (element.type !== "button") set(block, element, value);
      node.ariaBusy = "true";
      const answer = await post(`/page/${act}`, { ...about(element, block), value, [holder]: values });
      node.ariaBusy = null;
      if (!answer.ok && !answer.result) toast(answer.error); // what the app failed to do comes by the feed
    },
    // An input reports only where its block asks for it; everything else reports at once.
    change(block, element, value) {
      if (block.type !== "input" || block.dispatch_action) this.act(block, element, value);
      else set(block, element, value);
    },
  };
}
