/**
 * Example questions: those of the load test (loadtests/sample.jsonl), written for this project,
 * and two in Urdu, which is read from right to left.
 */

/** @typedef {{language: string, premise: string, question: "cause" | "effect",
 *   choices: string[]}} Example */

/** The languages by the names that they give themselves. */
export const LANGUAGES = {
  en: "English",
  et: "Eesti",
  ht: "Kreyòl ayisyen",
  id: "Bahasa Indonesia",
  it: "Italiano",
  qu: "Runasimi",
  sw: "Kiswahili",
  ta: "தமிழ்",
  th: "ไทย",
  tr: "Türkçe",
  vi: "Tiếng Việt",
  zh: "中文",
  ur: "اردو",
};

const SENTENCES = [
  ["en", "cause", "The street lights went out.", "A storm had brought down the power line.", "The shop had opened early."],
  ["en", "effect", "She forgot to water the plants for a month.", "The plants dried up.", "The plants moved to the window."],
  ["et", "effect", "Poiss unustas vihmavarju koju.", "Ta sai vihma käes märjaks.", "Ta ostis uue raamatu."],
  ["et", "cause", "Tee oli väga libe.", "Öösel oli külmunud.", "Päike paistis terve päeva."],
  ["ht", "cause", "Ti bebe a t ap kriye.", "Li te grangou.", "Li te wè yon liv."],
  ["ht", "effect", "Lapli a tonbe anpil jodi a.", "Lari a plen dlo.", "Solèy la boule nou."],
  ["id", "effect", "Ayah lupa mengisi bensin.", "Mobilnya mogok di jalan.", "Mobilnya menjadi lebih cepat."],
  ["id", "cause", "Anak itu tidak masuk sekolah.", "Ia sedang demam.", "Ia suka pelajaran musik."],
  ["it", "cause", "Il treno è arrivato con due ore di ritardo.", "Un albero era caduto sui binari.", "Il bar della stazione era aperto."],
  ["it", "effect", "Ho lasciato il gelato al sole.", "Il gelato si è sciolto.", "Il gelato si è congelato."],
  ["qu", "effect", "Wawaqa yarqaymanta waqarqan.", "Maman mikhunata qorqan.", "Maman wasita picharqan."],
  ["qu", "cause", "Runaqa unquchkarqan.", "Chiri yakuta upyarqan.", "Musuq wasita rikurqan."],
  ["sw", "effect", "Mvua ilinyesha usiku kucha.", "Mto ulifurika.", "Vumbi liliongezeka."],
  ["sw", "cause", "Mtoto alianza kulia.", "Alianguka chini.", "Alipewa zawadi."],
  ["ta", "effect", "மழை பலமாகப் பெய்தது.", "தெருவில் தண்ணீர் தேங்கியது.", "தெரு தூசியால் நிறைந்தது."],
  ["ta", "cause", "குழந்தை தூங்கிவிட்டது.", "அது மிகவும் சோர்வாக இருந்தது.", "அது புதிய பொம்மையைப் பார்த்தது."],
  ["th", "effect", "เขาตื่นสายมากในเช้านี้", "เขาไปทำงานไม่ทัน", "เขาไปถึงที่ทำงานก่อนใคร"],
  ["th", "cause", "หน้าต่างแตก", "เด็กเตะลูกบอลไปโดนกระจก", "เด็กวาดรูปบนกระดาษ"],
  ["tr", "effect", "Fırını açık unuttum.", "Yemek yandı.", "Yemek dondu."],
  ["tr", "cause", "Kedi ağaca tırmandı.", "Bir köpek onu kovaladı.", "Sütünü bitirdi."],
  ["vi", "cause", "Đường phố ngập nước.", "Trời đã mưa rất to.", "Trời nắng suốt tuần."],
  ["vi", "effect", "Anh ấy làm rơi chiếc cốc thủy tinh.", "Chiếc cốc bị vỡ.", "Chiếc cốc đầy nước."],
  ["zh", "effect", "他整晚没有睡觉。", "第二天他非常困。", "第二天他精神很好。"],
  ["zh", "cause", "这家餐馆关门了。", "客人越来越少。", "菜单换了颜色。"],
  ["ur", "effect", "رات بھر تیز بارش ہوئی۔", "گلیاں پانی سے بھر گئیں۔", "گلیاں خشک ہو گئیں۔"],
  ["ur", "cause", "بچہ رونے لگا۔", "وہ سیڑھیوں سے گر گیا تھا۔", "اسے نیا کھلونا ملا تھا۔"],
];

/** @type {Example[]} */
export const EXAMPLES = SENTENCES.map(([language, question, premise, ...choices]) => ({
  language,
  question,
  premise,
  choices,
}));
