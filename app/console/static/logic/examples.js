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

/** @type {Example[]} */
export const EXAMPLES = [
  {
    language: "en",
    premise: "The street lights went out.",
    question: "cause",
    choices: ["A storm had brought down the power line.", "The shop had opened early."],
  },
  {
    language: "en",
    premise: "She forgot to water the plants for a month.",
    question: "effect",
    choices: ["The plants dried up.", "The plants moved to the window."],
  },
  {
    language: "et",
    premise: "Poiss unustas vihmavarju koju.",
    question: "effect",
    choices: ["Ta sai vihma käes märjaks.", "Ta ostis uue raamatu."],
  },
  {
    language: "et",
    premise: "Tee oli väga libe.",
    question: "cause",
    choices: ["Öösel oli külmunud.", "Päike paistis terve päeva."],
  },
  {
    language: "ht",
    premise: "Ti bebe a t ap kriye.",
    question: "cause",
    choices: ["Li te grangou.", "Li te wè yon liv."],
  },
  {
    language: "ht",
    premise: "Lapli a tonbe anpil jodi a.",
    question: "effect",
    choices: ["Lari a plen dlo.", "Solèy la boule nou."],
  },
  {
    language: "id",
    premise: "Ayah lupa mengisi bensin.",
    question: "effect",
    choices: ["Mobilnya mogok di jalan.", "Mobilnya menjadi lebih cepat."],
  },
  {
    language: "id",
    premise: "Anak itu tidak masuk sekolah.",
    question: "cause",
    choices: ["Ia sedang demam.", "Ia suka pelajaran musik."],
  },
  {
    language: "it",
    premise: "Il treno è arrivato con due ore di ritardo.",
    question: "cause",
    choices: ["Un albero era caduto sui binari.", "Il bar della stazione era aperto."],
  },
  {
    language: "it",
    premise: "Ho lasciato il gelato al sole.",
    question: "effect",
    choices: ["Il gelato si è sciolto.", "Il gelato si è congelato."],
  },
  {
    language: "qu",
    premise: "Wawaqa yarqaymanta waqarqan.",
    question: "effect",
    choices: ["Maman mikhunata qorqan.", "Maman wasita picharqan."],
  },
  {
    language: "qu",
    premise: "Runaqa unquchkarqan.",
    question: "cause",
    choices: ["Chiri yakuta upyarqan.", "Musuq wasita rikurqan."],
  },
  {
    language: "sw",
    premise: "Mvua ilinyesha usiku kucha.",
    question: "effect",
    choices: ["Mto ulifurika.", "Vumbi liliongezeka."],
  },
  {
    language: "sw",
    premise: "Mtoto alianza kulia.",
    question: "cause",
    choices: ["Alianguka chini.", "Alipewa zawadi."],
  },
  {
    language: "ta",
    premise: "மழை பலமாகப் பெய்தது.",
    question: "effect",
    choices: ["தெருவில் தண்ணீர் தேங்கியது.", "தெரு தூசியால் நிறைந்தது."],
  },
  {
    language: "ta",
    premise: "குழந்தை தூங்கிவிட்டது.",
    question: "cause",
    choices: ["அது மிகவும் சோர்வாக இருந்தது.", "அது புதிய பொம்மையைப் பார்த்தது."],
  },
  {
    language: "th",
    premise: "เขาตื่นสายมากในเช้านี้",
    question: "effect",
    choices: ["เขาไปทำงานไม่ทัน", "เขาไปถึงที่ทำงานก่อนใคร"],
  },
  {
    language: "th",
    premise: "หน้าต่างแตก",
    question: "cause",
    choices: ["เด็กเตะลูกบอลไปโดนกระจก", "เด็กวาดรูปบนกระดาษ"],
  },
  {
    language: "tr",
    premise: "Fırını açık unuttum.",
    question: "effect",
    choices: ["Yemek yandı.", "Yemek dondu."],
  },
  {
    language: "tr",
    premise: "Kedi ağaca tırmandı.",
    question: "cause",
    choices: ["Bir köpek onu kovaladı.", "Sütünü bitirdi."],
  },
  {
    language: "vi",
    premise: "Đường phố ngập nước.",
    question: "cause",
    choices: ["Trời đã mưa rất to.", "Trời nắng suốt tuần."],
  },
  {
    language: "vi",
    premise: "Anh ấy làm rơi chiếc cốc thủy tinh.",
    question: "effect",
    choices: ["Chiếc cốc bị vỡ.", "Chiếc cốc đầy nước."],
  },
  {
    language: "zh",
    premise: "他整晚没有睡觉。",
    question: "effect",
    choices: ["第二天他非常困。", "第二天他精神很好。"],
  },
  {
    language: "zh",
    premise: "这家餐馆关门了。",
    question: "cause",
    choices: ["客人越来越少。", "菜单换了颜色。"],
  },
  {
    language: "ur",
    premise: "رات بھر تیز بارش ہوئی۔",
    question: "effect",
    choices: ["گلیاں پانی سے بھر گئیں۔", "گلیاں خشک ہو گئیں۔"],
  },
  {
    language: "ur",
    premise: "بچہ رونے لگا۔",
    question: "cause",
    choices: ["وہ سیڑھیوں سے گر گیا تھا۔", "اسے نیا کھلونا ملا تھا۔"],
  },
];
