// The short names that an operations bot uses, and their characters. Unknown ones are shown as they were written.
const NAMES = `
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ negative_squared_cross_mark ❎ warning ⚠️
rotating_light 🚨 no_entry ⛔ no_entry_sign 🚫 octagonal_sign 🛑 construction 🚧 information_source ℹ️ question ❓
exclamation ❗ bangbang ‼️ rocket 🚀 package 📦 truck 🚚 rewind ⏪ fast_forward ⏩ leftwards_arrow_with_hook ↩️
arrow_right_hook ↪️ arrows_counterclockwise 🔄 repeat 🔁 arrow_forward ▶️ double_vertical_bar ⏸️ pause_button ⏸️
black_square_for_stop ⏹️ stop_button ⏹️ arrow_up ⬆️ arrow_down ⬇️ arrow_right ➡️ arrow_left ⬅️ hourglass ⌛
hourglass_flowing_sand ⏳ stopwatch ⏱️ alarm_clock ⏰ calendar 📅 clock1 🕐 clock3 🕒 large_green_circle 🟢
large_yellow_circle 🟡 large_orange_circle 🟠 red_circle 🔴 large_red_circle 🔴 large_blue_circle 🔵 large_purple_circle 🟣
white_circle ⚪️ black_circle ⚫️ large_green_square 🟩 large_yellow_square 🟨 large_red_square 🟥 large_blue_square 🟦
white_large_square ⬜ black_large_square ⬛ white_medium_square ◻️ black_small_square ▪️ small_blue_diamond 🔹
heavy_minus_sign ➖ heavy_plus_sign ➕ lock 🔒 unlock 🔓 closed_lock_with_key 🔐 key 🔑 shield 🛡️ floppy_disk 💾
file_cabinet 🗄️ card_file_box 🗃️ wastebasket 🗑️ bell 🔔 no_bell 🔕 mega 📣 loudspeaker 📢 speech_balloon 💬 eyes 👀
mag 🔍 bulb 💡 memo 📝 pencil ✏️ scroll 📜 clipboard 📋 pushpin 📌 label 🏷️ link 🔗 wrench 🔧 hammer 🔨 gear ⚙️
hammer_and_wrench 🛠️ electric_plug 🔌 zap ⚡ fire 🔥 boom 💥 bug 🐛 skull 💀 ghost 👻 sos 🆘 ambulance 🚑 tada 🎉
checkered_flag 🏁 chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 bar_chart 📊 computer 💻 robot_face 🤖
satellite 🛰️ globe_with_meridians 🌐 whale 🐳 snowflake ❄️ sunny ☀️ zzz 💤 +1 👍 thumbsup 👍 -1 👎 thumbsdown 👎
ok_hand 👌 raised_hand ✋ hand ✋ wave 👋 clap 👏 pray 🙏 point_right 👉 bust_in_silhouette 👤 busts_in_silhouette 👥
heart ❤️ broken_heart 💔 star ⭐ sparkles ✨ seedling 🌱 slightly_smiling_face 🙂 smile 😄 thinking_face 🤔 sweat 😓
`;

export const EMOJI = Object.fromEntries(
  NAMES.trim()
    .split(/\s+/)
    .reduce((pairs, word, index, words) => (index % 2 ? pairs : [...pairs, [word, words[index + 1]]]), []),
);
