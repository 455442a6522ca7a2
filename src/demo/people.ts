/** Somebody the demo's organization employs. */
export type DemoPerson = {
  readonly given: string
  readonly family: string
  readonly prefix?: string
  readonly email: string
  readonly title: string
  readonly department: string
  readonly workPhone: string
  readonly mobile?: string
  readonly city?: string
}

// prefix|given|family|mailbox|title|department|work phone|city|mobile. All numbers come from the ranges that the national
// regulators keep for films and examples.
const TABLE = `
|David|Bowman|david.bowman|Mission Commander|Discovery One|+1 202 555 0101|Washington|+1 202 555 0171
Dr|Ryan|Stone|ryan.stone|Mission Specialist|Medical|+1 713 555 0102|Houston|+1 713 555 0172
|Zoë|Lindqvist|zoe.lindqvist|Propulsion Engineer|Engineering|+46 31 390 06 11|Göteborg
|Björn|Åkesson|bjorn.akesson|Structures Engineer|Engineering|+46 8 465 004 21|Stockholm|+46 70 174 06 15
Dr|Renée|Beaulieu-Caron|renee.beaulieu-caron|Flight Surgeon|Medical|+33 1 99 00 12 34|Paris|+33 6 39 98 12 34
|François|Thévenot|francois.thevenot|Trajectory Analyst|Flight Dynamics|+33 1 99 00 12 47|Paris
|José Ángel|Quintero|jose.quintero|Life Support Lead|Life Support|+1 713 555 0118|Houston
|Łukasz|Wiśniewski|lukasz.wisniewski|Flight Software Engineer|Avionics|+49 30 23125 041|Berlin
Dr.|Jürgen|Großmann|juergen.grossmann|Thermal Engineer|Engineering|+49 89 99998 112|München
|Thị Hạnh|Nguyễn|hanh.nguyen|Navigation Officer|Flight Dynamics|+61 2 5550 1204|Sydney
|美咲|高橋|misaki.takahashi|Robotics Engineer|Robotics|+1 202 555 0126|Washington
|雨桐|王|yutong.wang|Systems Engineer|Avionics|+44 20 7946 0187|London|+44 7700 900187
|서연|김|seoyeon.kim|Science Officer|Discovery One|+1 713 555 0129|Houston
|ليلى|حداد|layla.haddad|Communications Officer|Discovery One|+44 20 7946 0213|London
|يوسف|الخطيب|yousef.alkhatib|Ground Station Lead|Communications|+33 1 99 00 12 63|Paris
|Siobhán|O’Rourke|siobhan.orourke|Capsule Communicator|Mission Control|+44 20 7946 0241|London|+44 7700 900241
|Chinonso|Okwuosa|chinonso.okwuosa|Payload Specialist|Science|+44 20 7946 0258|London
|Adwoa|Mensah-Boateng|adwoa.mensah-boateng|Head of Crew Training|Crew Training|+1 713 555 0134|Houston|+1 713 555 0184
|Tendai|Chikowore|tendai.chikowore|Simulation Engineer|Crew Training|+1 713 555 0135
|Priya|Raghunathan|priya.raghunathan|Flight Director|Mission Control|+1 713 555 0136|Houston|+1 713 555 0186
|Arjun|Deshmukh|arjun.deshmukh|Guidance Engineer|Flight Dynamics|+61 2 5550 1217|Sydney|+61 491 570 156
Prof.|Ελένη|Παπαγιαννάκη|eleni.papagiannaki|Planetary Geologist|Science|+49 40 66969 233|Hamburg
|Дмитро|Коваленко|dmytro.kovalenko|Docking Specialist|Robotics|+49 30 23125 058|Berlin
|Şebnem|Yıldırım|sebnem.yildirim|Power Systems Engineer|Engineering|+49 89 99998 127|München
|Håkon|Nygård|hakon.nygard|Recovery Coordinator|Mission Control|+46 8 465 004 38|Stockholm
|Mireia|Puigdollers|mireia.puigdollers|Hydroponics Scientist|Life Support|+33 1 99 00 12 78
|João|Figueiredo|joao.figueiredo|Spacesuit Technician|Life Support|+1 713 555 0143|Houston
|Tomáš|Dvořáček|tomas.dvoracek|Radio Engineer|Communications|+49 30 23125 076|Berlin|+49 171 39200 76
|Kaimana|Kahananui|kaimana.kahananui|Observatory Liaison|Science|+1 808 555 0145|Hilo
|Sigríður|Hallgrímsdóttir|sigridur.hallgrimsdottir|People Partner|People|+44 20 7946 0296|London
|Noa|Ben-Haim|noa.ben-haim|General Counsel|Legal|+1 202 555 0148|Washington
|Malia|Tuimavave|malia.tuimavave|Finance Controller|Finance|+61 2 5550 1233|Sydney
`

/** The people of Space Odyssey; the first two are the demo's protagonists. */
export const PEOPLE: readonly DemoPerson[] = TABLE.trim()
  .split('\n')
  .map((row) => {
    const [prefix, given = '', family = '', mailbox, title = '', department = '', workPhone = '', city, mobile] =
      row.split('|')
    return {
      given,
      family,
      email: `${mailbox}@spaceodyssey.com`,
      title,
      department,
      workPhone,
      ...(prefix && { prefix }),
      ...(city && { city }),
      ...(mobile && { mobile }),
    }
  })

/** A personal contact of David Bowman's, as an iPhone writes it: 1604 stands for the unknown year. */
export const JULIE = `${[
  'BEGIN:VCARD',
  'VERSION:3.0',
  'PRODID:-//Apple Inc.//iOS 26.1//EN',
  'N:Powell;Julie;;;',
  'FN:Julie Powell',
  'item1.EMAIL;type=INTERNET;type=pref:julie.powell@example.org',
  'item1.X-ABLabel:Studio',
  'TEL;type=CELL;type=VOICE;type=pref:+1 202 555 0164',
  'BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-30',
  'REV:2026-11-20T18:42:07Z',
  'UID:7f3c1f0a-52d9-4c0e-9a35-0b6d5e1f8a21',
  'END:VCARD',
].join('\r\n')}\r\n`
