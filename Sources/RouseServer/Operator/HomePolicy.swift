/// The policy that `rouse-server init` writes: the cash-loan example, kept equal to `proto-spec/examples` by a test.
enum HomePolicy {
  static let text = #"""
    # Rouse policy: who is asleep, who is safe, who is worth a contact, and when.
    # One unit everywhere: POINTS. +20 points double the odds, -20 halve them.
    # (S#n) is the row of the seed list that a number comes from; every other number is a starting belief, to be calibrated.
    # Conditions are plain SQL: AND OR NOT ( ) = <> < <= > >= IN BETWEEN IS NULL, and days_since(t), latest(t, ...), after(a, b, ...).
    version: 2
    name: cash-loan-recall

    # 1. FIELDS: what a candidate may carry. A dotted name reads a nested object. Anything else is ignored, and counted.
    fields:
      times:
        [registered_at, last_login_at, last_seen_at, borrow_clicked_at, application_started_at, application_updated_at,
         application_submitted_at, declined_at, credit_granted_at, withdraw_requested_at, loan_disbursed_at, loan_settled_at]
      times_ahead: [credit_expires_at]          # may lie in the future
      numbers: [open_loans, loans_settled, credit_limit, max_dpd, other_loans, external_score, device.os_age_years]
      flags:
        [app_installed, push_ok, sms_ok, email_ok, call_ok, do_not_contact, complaint, wealth_in_flight, profiling_refused,
         in_collection, blacklist, minor, clicked_before, used_other_product, address_verified]
      texts: [region, network, education, device.os, device.model, device.tier, device.integrity]
    clock_skew_seconds: 300                     # a time later than this from now is ignored and reported

    # 2. STAGES: how far the user got. From the top, the first whose condition holds wins.
    # since: the stage clock, the latest of these times. dormant: asleep after so many days on it.
    # loan: expected ticket. incremental: share that would not come back alone.
    stages:
      borrowing:
        when: open_loans >= 1 OR after(loan_disbursed_at, loan_settled_at)
        since: loan_disbursed_at
        recall: never
      declined:                                 # may try again after 90 days
        when: after(declined_at, loan_settled_at, credit_granted_at) AND days_since(declined_at) < 90
        since: declined_at
        recall: never
      pending:                                  # with underwriting; stuck after 14 days
        when: after(application_submitted_at, loan_settled_at, credit_granted_at, declined_at) AND days_since(application_submitted_at) < 14
        since: application_submitted_at
        recall: never
      settled:                                  # S#12, S#19
        when: loan_settled_at IS NOT NULL
        since: loan_settled_at
        dormant: 30
        steps: [login, reborrow]
        loan: 6000
        loan_from: credit_limit
        coupon: 10
        incremental: 0.40
        points: 0
      granted:                                  # S#8, S#18
        when: credit_granted_at IS NOT NULL AND (credit_expires_at IS NULL OR credit_expires_at > now)
        since: [credit_granted_at, withdraw_requested_at]
        dormant: 7
        steps: [login, withdraw]
        loan: 5000
        loan_from: credit_limit
        coupon: 15
        incremental: 0.60
        points: 0
      lapsed:                                   # granted once, the grant has run out: must apply again
        when: credit_granted_at IS NOT NULL
        since: [credit_expires_at, application_started_at, application_updated_at, application_submitted_at, declined_at]
        dormant: 3
        steps: [login, submit, approve, withdraw]
        loan: 5000
        coupon: 15
        incremental: 0.80
        points: 6
      applying:                                 # S#6, S#17
        when: latest(application_started_at, application_updated_at, application_submitted_at, declined_at) IS NOT NULL
        since: [application_started_at, application_updated_at, application_submitted_at, declined_at]
        dormant: 3
        steps: [login, submit, approve, withdraw]
        loan: 5000
        coupon: 15
        incremental: 0.80
        points: 6
      clicked:                                  # S#77
        when: borrow_clicked_at IS NOT NULL
        since: borrow_clicked_at
        dormant: 3
        steps: [login, start, submit, approve, withdraw]
        loan: 5000
        coupon: 15
        incremental: 0.85
        points: 10
      visited:                                  # S#76
        when: last_login_at IS NOT NULL OR last_seen_at IS NOT NULL
        since: [last_login_at, last_seen_at]
        dormant: 3
        steps: [login, start, submit, approve, withdraw]
        loan: 5000
        coupon: 15
        incremental: 0.90
        points: 0
      registered:                               # S#5, S#16, S#75
        when: registered_at IS NOT NULL
        since: registered_at
        dormant: 3
        steps: [login, start, submit, approve, withdraw]
        loan: 5000
        coupon: 15
        incremental: 0.95
        points: -6
    tiers: {3m: 90, 6m: 180, 12m: 365}          # S#74; older is "all"; by days on the stage clock

    # 3. GATE: hard rules. Every one that holds is reported.
    suppress:
      S01:
        when: do_not_contact
        say: Asked not to be contacted
      S02:
        when: complaint
        say: Open complaint
      S03:                                      # S#85
        when: wealth_in_flight
        say: Holds a wealth product in flight
      S04:
        when: profiling_refused
        say: Refused automated marketing decisions
      S05:
        when: in_collection
        say: In collection or legal action
      S06:                                      # S#79
        when: tier = 'all'
        say: Older than the last contact tier
    knockout:
      K01:
        when: max_dpd >= 31
        say: More than 30 days late with us before
      K02:
        when: blacklist
        say: On an external bad-debt list
      K03:                                      # S#33
        when: device.integrity IN ('emulator', 'hooked')
        say: Device looks forged
      K04:
        when: NOT region_served
        say: Outside the licensed area
      K05:
        when: minor
        say: No legal capacity to borrow
      K06:                                      # S#71
        when: other_loans >= 10
        say: Ten or more open loans elsewhere

    # 4. RISK: a scorecard. 600 points = 15 good loans per bad one (PD 6.25 %); more points, less risk. S#61
    risk:
      base: {score: 600, odds: 15}
      cutoff: 565
      reasons: 4                                # at most four principal reasons
      underwriting: {step: approve, lift: 20, follow: 0.5}   # where this step lies ahead, underwriting halves the bad odds of
                                                             # those it lets through, and half of the risk points move the odds of passing
      thin: {known_below: 3, points: -12, code: R90, say: Too little is known}
      card:
        other_loans:         {at_least: {0: 10, 1: 0, 3: -18, 6: -40}, missing: -6, code: R01, say: Loans on other platforms}    # S#71
        external_score:      {at_least: {0: -40, 450: -15, 550: 0, 650: 18}, missing: -4, code: R02, say: External risk score}   # S#72
        max_dpd:             {at_least: {0: 14, 1: 0, 8: -20}, missing: 0, code: R03, say: Late payments with us}
        device.integrity:    {is: {ok: 2, rooted: -15}, missing: -2, code: R04, say: Device integrity}                           # S#33
        device.os_age_years: {at_least: {0: 2, 3: 0, 6: -8}, missing: 0, code: R05, say: Operating system age}                   # S#65
        device.tier:         {is: {high: 6, mid: 0, low: -6}, missing: 0, code: R06, say: Device class}                          # S#64
        network:             {is: {wifi: 2, cellular: 0, proxy: -15}, other: -2, missing: 0, code: R07, say: Network}            # S#67
        region_group:        {is: {A: 4, B: 0, C: -6}, other: -2, missing: -2, code: R08, say: Region loss experience}           # S#66
        education:           {is: {degree: 5, college: 2, school: 0}, missing: 0, code: R09, say: Education}                     # S#68
        address_verified:    {is: {true: 4, false: -4}, missing: 0, code: R10, say: Address}                                     # S#69

    # 5. RESPONSE: chance that one contact ends in a paid-out loan.
    response:
      half_life: 90                             # days of silence that halve the odds; 3 x as long quarters them
      floor: -80                                # silence never costs more
      steps:                                    # rate: believed now; weight: pseudo-users behind the belief
        login:    {rate: 0.85, weight: 50}      # S#42
        start:    {rate: 0.60, weight: 20}
        submit:   {rate: 0.60, weight: 20}
        approve:  {rate: 0.35, weight: 20}
        withdraw: {rate: 0.50, weight: 50}      # S#45
        reborrow: {rate: 0.80, weight: 50}      # S#13
      card:
        contacts_30d:       {at_least: {0: 0, 1: -6, 2: -14, 3: -24}}          # fatigue, S#21
        clicked_before:     {is: {true: 16, false: 0}}
        app_installed:      {is: {true: 6, false: -8}}
        loans_settled:      {at_least: {0: 0, 2: 6, 4: 12}}
        credit_limit:       {at_least: {0: -10, 3000: 0, 10000: 8}}            # S#10: a low line is why they do not borrow
        used_other_product: {is: {true: 6, false: 0}}                          # S#70
        device.os:          {is: {android: 0, ios: -2}}
        region_group:       {is: {A: -2, B: 0, C: 3}}

    # 6. MONEY, in one currency. Margin and loss are shares of the loan; relationship: what losing a reachable user costs.
    money:
      margin: 0.12
      loss_given_default: 0.70
      use_of_limit: 0.60                        # share of loan_from that is drawn
      max_loan: 200000                          # S#81
      relationship: 40
      hurdle: 0.0                               # return that every unit spent must earn on top

    # 7. CONTACT. The ladder is the order below (S#35); each contact in 30 days opens the next rung.
    ladder: escalate                            # or best: every rung is open at once
    gap_days: 3                                 # S#46
    cap_30d: 6
    hours: 08:00-21:00                          # nothing is sent outside, in the user's local time
    channels:
      push:                                     # S#36, S#84
        needs: app_installed AND push_ok
        cost: 0.002
        reach: 0.60
        click: 0.030
        quit: 0.0010                            # share of users lost per contact
        cap_30d: 4
        best: [12:00-14:00, 15:00-18:00]
      sms:                                      # S#22, S#48
        needs: sms_ok
        cost: 0.050
        reach: 0.95
        click: 0.025
        quit: 0.0010
        cap_30d: 3
        best: [11:00-12:00, 19:00-21:00]
      email:                                    # S#25, S#26
        needs: email_ok
        cost: 0.005
        reach: 0.80
        click: 0.008
        quit: 0.0005
        cap_30d: 4
        best: [11:00-12:00, 19:00-21:00]
      call:                                     # S#29, S#31
        needs: call_ok
        cost: 0.300
        reach: 0.45
        click: 0.120
        quit: 0.0040
        cap_30d: 1
        best: [11:00-12:00, 19:00-20:00]

    # 8. EXPERIMENT: a salted hash of the user_id decides, so it is stable and can be audited. Change the salt every quarter.
    experiment: {salt: 2026Q1, holdout: 0.05, explore: 0.01}

    # 9. PLAN: null means unlimited. A request may set its own.
    plan:
      budget: null                              # expected spend: contacts and coupons
      capital: null                             # expected pay-out the lender can fund, S#56
      capacity: {call: 500}
      quota:
        never_logged_in:
          when: stage = 'registered'
          max: 100000
      tier_first: false                         # true: 3m before 6m before 12m whatever the value, S#78

    # 10. REGIONS, and GUARDRAILS that refuse a policy when it is loaded.
    regions:
      groups: {A: [CN-11, CN-31, CN-32, CN-33, CN-44], B: [CN-12, CN-37, CN-42, CN-51, CN-65], C: [CN-14, CN-15]}
      not_served: [CN-71, CN-81, CN-82]
      utc_offset: "+08:00"
      utc_offsets: {CN-65: "+06:00"}
    guardrails:
      forbidden:                                # never in a field, a card or a condition
        [sex, gender, age, race, ethnicity, religion, marital_status, pregnancy, disability, birthplace, household_registration,
         political_view, health]
      max_points: {region: 10, region_group: 10, education: 10, device.tier: 10}   # possible proxies may whisper, never decide
      monotone: {other_loans: down, external_score: up, max_dpd: down, device.os_age_years: down, contacts_30d: down}

    # 11. REVIEW, every week (S#50): observed rates against these targets.
    review:
      targets: {click: 0.20, login: 0.80, withdraw: 0.50, reborrow: 0.80}   # S#39, S#42, S#45, S#13
      psi: [0.10, 0.25]                         # look, act
      parity: 0.80                              # selection rate of any region group over the best group's
      window_days: 14                           # an outcome counts for a contact up to this many days back

    """#
}
